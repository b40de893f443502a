// Makes a container in Azurite: node make_container.js ADDRESS ACCOUNT KEY CONTAINER. Production never does: its identity may not.
const { createHmac } = require("node:crypto");

const [address, account, key, container] = process.argv.slice(2);
const date = new Date().toUTCString();
const version = "2021-08-06";
// Shared Key: the account stands twice, once as such and once as the first part of Azurite's paths.
const signed =
  "PUT\n\n\n\n\n\n\n\n\n\n\n\n" +
  `x-ms-date:${date}\nx-ms-version:${version}\n/${account}/${account}/${container}\nrestype:container`;
const signature = createHmac("sha256", Buffer.from(key, "base64")).update(signed, "utf8").digest("base64");

fetch(`${address}/${account}/${container}?restype=container`, {
  method: "PUT",
  headers: { "x-ms-date": date, "x-ms-version": version, authorization: `SharedKey ${account}:${signature}` },
})
  .then(async (answer) => {
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
