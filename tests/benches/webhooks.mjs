#!/usr/bin/env node
// What node takes for the same deliveries, with GitHub's own library for them: `createNodeMiddleware` of `@octokit/webhooks`, which checks the
// signature, parses the payload, and calls a handler before it answers.
//
//     npm install --prefix target/webhooks --no-audit --no-fund --no-save @octokit/webhooks@14.2.0
//     node tests/benches/webhooks.mjs MODULES WORK FOLDER
//
// MODULES is the folder that npm installed into. WORK is what the handler does:
//
// - `nothing`: a delivery is forgotten with its answer.
// - `append`: its id and what a scan needs are a line of one file, which is on the disk before it is answered. Nothing knows a delivery again.
// - `record`: the same in a file of its own, named after its id, in a folder that is on the disk, too: a delivery is known again.
//
// Says where it listens in one line of JSON. Its secret is $SUTURE_GITHUB_WEBHOOK_SECRET. For `handlers/local-host/examples/deliveries/main.rs`.

import { open } from "node:fs/promises";
import { createServer } from "node:http";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, work, folder] = process.argv.slice(2);
const octokit = pathToFileURL(resolve(modules, "node_modules/@octokit/webhooks/dist-bundle/index.js"));
const { Webhooks, createNodeMiddleware } = await import(octokit);

const told = ({ id, payload }) =>
  JSON.stringify({ id, repository: payload.repository.full_name, ref: payload.ref, after: payload.after }) + "\n";

async function append() {
  const file = await open(`${folder}/deliveries`, "a");
  return async (delivery) => {
    await file.appendFile(told(delivery));
    await file.datasync();
  };
}

async function record() {
  const directory = await open(folder, "r");
  return async (delivery) => {
    const file = await open(`${folder}/${delivery.id}`, "wx");
    await file.writeFile(told(delivery));
    await file.sync();
    await file.close();
    await directory.sync();
  };
}

const works = { nothing: async () => () => {}, append, record };
const webhooks = new Webhooks({ secret: process.env.SUTURE_GITHUB_WEBHOOK_SECRET });
webhooks.on("push", await works[work]());

const server = createServer(createNodeMiddleware(webhooks, { path: "/api/github/webhook" }));
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ event: "listening", address: `127.0.0.1:${server.address().port}` }));
});
