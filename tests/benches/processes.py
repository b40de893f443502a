#!/usr/bin/env python3
"""Whole processes side by side: which is faster, and by how much.

    tests/benches/processes.py [--rounds N] [--cold FILE…] [--] NAME=COMMAND [NAME=COMMAND …]

Each round runs every command once, in an order that is drawn anew, so that whatever else the machine does falls on all
of them alike. Told are the median, the tenth and the ninetieth percentile in milliseconds, the ratio of each median to
that of the first command, in how many rounds it was faster than the first, and the most memory that it held (of one
run under `/usr/bin/time`, where that is installed).

A command is split like a shell line, but no shell runs. Its output goes nowhere. Its exit code must be the same in
every round, and is told.

--rounds N   rounds that count, after five that do not (default 200)
--cold FILE  before each run this file and the command's own program are dropped from the page cache, as far as the
             system lets go of them: shared libraries that other processes hold stay. May be given more than once
--seed N     for the order (default 1)
"""

import argparse
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import time

WARM_UP_ROUNDS = 5
TIME = "/usr/bin/time"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--cold", action="append", default=[], metavar="FILE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    arguments = parser.parse_args()
    commands = dict(named(command) for command in arguments.commands)
    order = list(commands)
    chance = random.Random(arguments.seed)
    taken = {name: [] for name in commands}
    codes = {name: set() for name in commands}
    with open(os.devnull, "r+b") as nowhere:
        for turn in range(arguments.rounds + WARM_UP_ROUNDS):
            chance.shuffle(order)
            for name in order:
                if arguments.cold:
                    drop_from_cache([commands[name][0], *arguments.cold])
                seconds, code = run(commands[name], nowhere.fileno())
                codes[name].add(code)
                if turn >= WARM_UP_ROUNDS:
                    taken[name].append(seconds * 1000)
    print(f"{'':24}  median     p10     p90   ratio  faster   memory  exit")
    first = next(iter(commands))
    for name, times in taken.items():
        tenths = statistics.quantiles(times, n=10)
        ratio = statistics.median(times) / statistics.median(taken[first])
        faster = sum(one < other for one, other in zip(times, taken[first])) / len(times)
        print(
            f"{name:24}  {statistics.median(times):6.2f}  {tenths[0]:6.2f}  {tenths[-1]:6.2f}  {ratio:6.2f}"
            f"  {faster:6.0%}  {memory(commands[name]):>7}  {','.join(map(str, sorted(codes[name])))}"
        )
    return max(len(seen) for seen in codes.values()) > 1


def named(argument):
    name, separator, command = argument.partition("=")
    words = shlex.split(command)
    if not separator or not words:
        sys.exit(f"{argument}: not NAME=COMMAND")
    program = shutil.which(words[0])
    if program is None:
        sys.exit(f"{words[0]}: no such program")
    return name, [os.path.realpath(program), *words[1:]]


def run(command, nowhere):
    files = [(os.POSIX_SPAWN_DUP2, nowhere, fd) for fd in (0, 1, 2)]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    _, status = os.waitpid(child, 0)
    return time.perf_counter() - start, os.waitstatus_to_exitcode(status)


def drop_from_cache(paths):
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def memory(command):
    # What this program would be told of its child counts its own memory from before the exec.
    if not os.access(TIME, os.X_OK):
        return "?"
    told = subprocess.run([TIME, "-f", "%M", *command], capture_output=True, text=True, check=False).stderr
    return f"{int(told.split()[-1]) / 1024:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
