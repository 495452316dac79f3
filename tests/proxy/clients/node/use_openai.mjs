// openai-node: whole, streamed, tools, the stream helper, errors. Arguments: base URL, model.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello." }];
const tools = [{ type: "function", function: { name: "City", parameters: { type: "object" } } }];

const whole = await client.chat.completions.create({ model, messages });
assert.equal(whole.choices[0].message.content, "Hello there.");
assert.equal("maestro" in whole, model === "maestro");

let text = "";
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? "";
}
assert.equal(text, "Hello there.");

const called = await client.chat.completions.create({ model, messages, tools });
assert.equal(called.choices[0].message.tool_calls[0].function.name, "City");

const judged = { model, messages, requirements: ["At most 9 words"] };
const answer = await client.chat.completions.create(judged);
assert.equal(answer.requirements_result.finish_reason, "all_satisfied");

const helper = client.chat.completions.stream({ ...judged, stream_options: { include_usage: true } });
const final = await helper.finalChatCompletion();
assert.equal(final.choices[0].message.content, "Hello there.");
assert.ok((await helper.totalUsage()).completion_tokens > 0);

const response = await client.responses.create({ model, input: "Say hello." });
assert.equal(response.output_text, "Hello there.");
assert.ok((await client.models.list()).data.some((listed) => listed.id === "maestro"));
await assert.rejects(client.chat.completions.create({ model: "nope", messages }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ model, messages: [] }), OpenAI.BadRequestError);
