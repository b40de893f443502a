#!/usr/bin/env python3
"""What RabbitMQ takes for the same: a durable queue, a worker, a durable queue of answers.

    tests/benches/rabbitmq.py [--messages N] [--workers 1,8] [--port 5672]

Needs a RabbitMQ on loopback (Debian: rabbitmq-server) and the Python package pika. Each worker sends one persistent message with a
publisher confirm, receives it, answers with a persistent message and its confirm, acknowledges the first, and receives and
acknowledges the answer: as often made durable as `handlers/local-host/examples/load.rs` does it. Every worker is a process of its own,
with connections of its own, so that Python's lock does not stand in the way.
"""

import argparse
import multiprocessing
import statistics
import time

import pika


def worker(number, port, messages, results):
    channel = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)).channel()
    channel.confirm_delivery()
    question, answer = f"suture-question-{number}", f"suture-answer-{number}"
    for queue in (question, answer):
        channel.queue_declare(queue, durable=True)
        channel.queue_purge(queue)
    persistent = pika.BasicProperties(delivery_mode=2)
    body = b"x" * 400
    taken = []

    def receive(queue):
        while True:
            method, _, received = channel.basic_get(queue)
            if method is not None:
                return method.delivery_tag, received

    for _ in range(messages):
        began = time.perf_counter()
        channel.basic_publish("", question, body, persistent)
        tag, received = receive(question)
        channel.basic_publish("", answer, received, persistent)
        channel.basic_ack(tag)
        tag, _ = receive(answer)
        channel.basic_ack(tag)
        taken.append(time.perf_counter() - began)
    for queue in (question, answer):
        channel.queue_delete(queue)
    results.put(taken)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--workers", default="1,8")
    parser.add_argument("--port", type=int, default=5672)
    arguments = parser.parse_args()
    print(f"{'workers':>8} {'messages':>10} {'messages/s':>12} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
    for workers in map(int, arguments.workers.split(",")):
        results = multiprocessing.Queue()
        each = arguments.messages // workers
        processes = [
            multiprocessing.Process(target=worker, args=(number, arguments.port, each, results)) for number in range(workers)
        ]
        began = time.perf_counter()
        for process in processes:
            process.start()
        taken = sorted(1000 * one for _ in processes for one in results.get())
        seconds = time.perf_counter() - began
        for process in processes:
            process.join()
        p99 = statistics.quantiles(taken, n=100)[98]
        rate = len(taken) / seconds
        print(f"{workers:>8} {len(taken):>10} {rate:>12.0f} {statistics.median(taken):>9.2f} {p99:>9.2f} {taken[-1]:>9.2f}")


if __name__ == "__main__":
    main()
