// Holds mutations and their variables against GitHub's schema: validate.js schema.graphql rows.json
const fs = require("fs");
const { createRequire } = require("module");
const [description, rows] = process.argv.slice(2);
const graphql = createRequire(description)("graphql");
const schema = graphql.buildSchema(fs.readFileSync(description, "utf8"), { assumeValidSDL: true });
const wrong = JSON.parse(fs.readFileSync(rows, "utf8")).flatMap(({ query, variables }) => {
  const document = graphql.parse(query);
  const read = graphql.getVariableValues(schema, document.definitions[0].variableDefinitions, variables);
  return [...graphql.validate(schema, document), ...(read.errors ?? [])].map((error) => `${error.message}: ${query}`);
});
console.log(wrong.join("\n"));
process.exit(wrong.length ? 1 : 0);
