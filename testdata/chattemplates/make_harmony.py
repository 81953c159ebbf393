"""make_harmony.py: what openai-harmony 0.0.8 makes of chats. TIKTOKEN_ENCODINGS_BASE names a
folder with o200k_base.tiktoken (the vocabulary of gpt-oss as lines of base64 and rank)."""
import gzip, io, json, os
from openai_harmony import (Author, Conversation, DeveloperContent, HarmonyEncodingName, Message, ReasoningEffort, Role, SystemContent, ToolDescription, load_harmony_encoding)

HERE = os.path.dirname(os.path.abspath(__file__))
e = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
P = lambda props, req=(): {"type": "object", "properties": props, "required": list(req)}
TOOLSETS = [None, [("get_weather", "The weather\nnow", P({"city": {"type": "string", "description": "Name\nof it"}, "unit": {"type": "string", "enum": ["C", "F"], "default": "C"}, "days": {"type": "integer", "default": 3},
    "l": {"type": "array", "items": {"type": "string"}}, "o": P({"a": {"type": "number"}, "b": P({"c": {"type": "boolean"}})}, ["a"]), "u": {"oneOf": [{"type": "string"}, {"type": "number"}]}, "n": {"type": "string", "nullable": True},
    "tt": {"type": ["string", "null"]}, "d": {"type": "string", "default": "x"}, "any": {}, "f": {"type": "boolean", "default": False}, "arr": {"type": "array"}, "ll": {"type": "array", "items": P({"q": {"type": "integer"}})}}, ["city"])), ("zeta", "b", None), ("empty", "c", P({}))]]
CHATS = [
    [("user", "Hi")],
    [("system", "Be brief."), ("user", "Hi\n\nthere 日本")],
    [("user", "Hi"), ("assistant", "Hello", "because"), ("user", "x")],
    [("user", "Hi"), ("call", "get_weather", {"city": "Oslo", "n": 1}, "need it"), ("tool", "get_weather", "-3")],
    [("user", "Hi"), ("call", "get_weather", {"city": "Oslo"}, "need it"), ("tool", "get_weather", "-3"), ("assistant", "Cold.", "done"), ("user", "ok")],
]
out = []
for tools in TOOLSETS:
    for chat in CHATS:
        for date, effort in (("2026-03-05", "high"), (None, "medium")):
            s = SystemContent.new().with_reasoning_effort({"high": ReasoningEffort.HIGH, "medium": ReasoningEffort.MEDIUM}[effort])
            if date: s = s.with_conversation_start_date(date)
            msgs, plain, dev, n = [Message.from_role_and_content(Role.SYSTEM, s)], [], DeveloperContent.new(), 0
            if tools: dev = dev.with_function_tools([ToolDescription.new(a, b, parameters=c) for a, b, c in tools])
            rest = chat
            if chat[0][0] == "system":
                dev, rest = dev.with_instructions(chat[0][1]), chat[1:]
                plain.append({"role": "system", "content": chat[0][1]})
            if tools or chat[0][0] == "system": msgs.append(Message.from_role_and_content(Role.DEVELOPER, dev))
            for m in rest:
                if m[0] == "user":
                    msgs.append(Message.from_role_and_content(Role.USER, m[1])); plain.append({"role": "user", "content": m[1]})
                elif m[0] == "assistant":
                    msgs += [Message.from_role_and_content(Role.ASSISTANT, m[2]).with_channel("analysis"), Message.from_role_and_content(Role.ASSISTANT, m[1]).with_channel("final")]
                    plain.append({"role": "assistant", "content": m[1], "reasoning_content": m[2]})
                elif m[0] == "call":
                    n += 1
                    msgs += [Message.from_role_and_content(Role.ASSISTANT, m[3]).with_channel("analysis"),
                             Message.from_role_and_content(Role.ASSISTANT, json.dumps(m[2])).with_channel("commentary").with_recipient("functions." + m[1]).with_content_type("<|constrain|>json")]
                    plain.append({"role": "assistant", "content": "", "reasoning_content": m[3], "tool_calls": [{"id": "c%d" % n, "type": "function", "function": {"name": m[1], "arguments": m[2]}}]})
                else:
                    msgs.append(Message.from_author_and_content(Author.new(Role.TOOL, "functions." + m[1]), m[2]).with_channel("commentary").with_recipient("assistant"))
                    plain.append({"role": "tool", "content": m[2], "tool_call_id": "c%d" % n})
            text = e.decode(e.render_conversation_for_completion(Conversation.from_messages(msgs), Role.ASSISTANT))
            js = [{"type": "function", "function": {"name": a, "description": b, **({"parameters": c} if c else {})}} for a, b, c in tools] if tools else None
            out.append([plain, js, [date or "", effort], text])
buf = io.BytesIO()
with gzip.GzipFile(fileobj=buf, mode="wb", mtime=0) as z:
    z.write(json.dumps(out).encode())
open(HERE + "/harmony.json.gz", "wb").write(buf.getvalue())
print(len(out))
