#!/usr/bin/env python3
"""make.py [RECORDINGS]: writes the *.json.gz beside it.

Recordings are folders SERVER/cNNN.jsonl, one connection a file, one read a line:
[milliseconds since the connection was accepted, ">" sent or "<" received, text as
Latin-1]; they were made by a recording proxy on loopback. Without RECORDINGS only the
reductions are written: streams in the dialect of a server that could not be recorded,
written by hand from its public documentation and its users' reports, with read times
that are ours.

What is expected of each is computed here, by a reading of the bytes that shares no
code with loadgen: TTFT, ITL and E2EL under benchmark_serving's rule, the count of
events, the text, the server's counts; for reductions the class of failure is given by
hand."""
import glob, gzip, json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))


def dechunk(pieces):
    """The body's bytes, each with the time of its read, and the head."""
    raw, times = b"", []
    for at, data in pieces:
        raw += data
        times += [at] * len(data)
    cut = raw.index(b"\r\n\r\n") + 4
    head, raw, times = raw[:cut], raw[cut:], times[cut:]
    if b"transfer-encoding: chunked" not in head.lower():
        return head, raw, times
    body, stamps, i = b"", [], 0
    while i < len(raw):
        j = raw.find(b"\r\n", i)
        if j < 0:
            break
        n = int(raw[i:j].split(b";")[0], 16)
        if n == 0:
            break
        body += raw[j + 2:j + 2 + n]
        stamps += times[j + 2:j + 2 + n]
        i = j + 2 + n + 2
    return head, body, stamps


def events(pieces):
    """(time, object) of every event up to [DONE]."""
    _, body, stamps = dechunk(pieces)
    at, out = 0, []
    while at < len(body):
        end = body.find(b"\n", at)
        if end < 0:
            break
        line, when = body[at:end].strip(), stamps[end]
        at = end + 1
        if not line.startswith(b"data:"):
            continue
        text = line[5:].strip()
        if text == b"[DONE]":
            break
        out.append((when, json.loads(text)))
    return out


def expected(case):
    chat, want = case["chat"], {}
    if case["streaming"]:
        seen = [(t, e) for t, e in (case.pop("events") if "events" in case else events(case["raw"])) if isinstance(e, dict)]
        counted = [t for t, e in seen if e.get("choices")]
        last = None
        itl, ttft, latency = [], None, 0
        for t, e in seen:
            if e.get("choices"):
                if ttft is None:
                    ttft = t
                else:
                    itl.append(round(t - last, 6))
                last = latency = t
            elif chat:
                last = latency = t
        want.update(ttft_ms=ttft, itl_ms=itl, e2el_ms=latency, events=len(seen), chunks=len(counted))
    else:
        _, body, _ = dechunk(case["raw"])
        seen = [(0, json.loads(body))]
    text = reasoning = ""
    completion = cached = -1
    finish, model = "", ""
    choices = [c.get("index", 0) for _, e in seen for c in e.get("choices") or []]
    counts = []  # with several choices the text is that of the first, and each may have a count
    for _, e in seen:
        for c in (e.get("choices") or [])[:1]:
            if c.get("index", 0) != choices[0]:
                finish = c.get("finish_reason") or finish
                continue
            d = (c["delta"] if "delta" in c else c.get("message")) or {}
            text += d.get("content") or c.get("text") or ""
            reasoning += d.get("reasoning_content") or d.get("reasoning") or ""
            finish = c.get("finish_reason") or finish
        u = e.get("usage") or {}
        completion = u.get("completion_tokens", completion)
        counts += [completion] if "completion_tokens" in u else []
        details = u.get("prompt_tokens_details") or {}
        for place in u, details:
            cached = place.get("cached_tokens", cached)
        model = e.get("model") or model
    if len(set(choices)) == len(counts) > 1:
        completion = sum(counts)
    want.update(text=text, reasoning=reasoning, completion=completion, cached=cached, finish=finish, model=model)
    want["class"] = case.pop("class", "")
    want["words"] = case.pop("words", "")
    return want


def write(name, case):
    case["want"] = expected(case)
    case["pieces"] = [[at, data.decode("latin-1")] for at, data in case.pop("raw")]
    with open(os.path.join(HERE, name + ".json.gz"), "wb") as f:
        with gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z:
            z.write(json.dumps(case).encode())


SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(b):
    return b"%x\r\n%s\r\n" % (len(b), b)


def reduce(name, server, lines, chat=True, **more):
    """A stream of (milliseconds since the read before, bytes or object)."""
    at, raw, seen = 5.0, [(5.0, SSE)], []
    for gap, line in lines:
        at = round(at + gap, 2)
        if isinstance(line, dict):
            seen.append((at, line))
            line = b"data: " + json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
        raw.append((at, chunk(line)))
    if more.pop("cut", False) is False:
        raw[-1] = (raw[-1][0], raw[-1][1] + b"0\r\n\r\n")
    write(name, dict(server=server, made="a reduction in the server's dialect", chat=chat, streaming=True, raw=raw, events=seen, **more))


DONE = b"data: [DONE]\n\n"


def delta(model, d, finish=None, **more):
    choice = {"index": 0, "delta": d, "finish_reason": finish}
    choice.update(more.pop("choice", {}))
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795815611, "model": model, "choices": [choice], **more}


def count(model, prompt=16, completion=3, **more):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795815611, "model": model, "choices": [],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}}


def text(model, t, finish=None, **more):
    choice = {"index": 0, "text": t, "logprobs": None, "finish_reason": finish}
    choice.update(more.pop("choice", {}))
    return {"id": "cmpl-1", "object": "text_completion", "created": 1795815611, "model": model, "choices": [choice], **more}


def reductions():
    m = "meta-llama/Llama-3.1-8B-Instruct"
    reduce("sglang_chat", "SGLang 0.5", [(21, delta(m, {"role": "assistant", "content": ""}, choice={"matched_stop": None, "logprobs": None}, usage=None)),
        (0, delta(m, {"content": "Hi", "reasoning_content": None}, choice={"matched_stop": None})), (8.25, delta(m, {"content": " you"}, choice={"matched_stop": None})),
        (8.5, delta(m, {"content": None}, "stop", choice={"matched_stop": 128009})), (0.25, count(m, reasoning_tokens=0)), (0, DONE)])
    reduce("sglang_completions_abort", "SGLang 0.5", [(21, text(m, "Hi", choice={"matched_stop": None})), (9, text(m, "", "abort", choice={"matched_stop": None})), (0, DONE)], chat=False,
        **{"class": "finish_reason", "words": "abort"})
    t = "tgi"
    reduce("tgi_chat", "Text Generation Inference 3", [(30, delta(t, {"role": "assistant", "content": "Hi"}, system_fingerprint="3.3.5-sha-0", usage=None)),
        (15, delta(t, {"role": "assistant", "content": " you"}, usage=None)), (15, delta(t, {"role": "assistant", "content": ""}, "stop", usage=None)), (0.5, count(t)), (0, DONE)])
    reduce("tgi_completions", "Text Generation Inference 3", [(30, text(t, "Hi")), (15, text(t, " you", "eos_token")), (0, DONE)], chat=False)
    reduce("tgi_error", "Text Generation Inference 3", [(30, delta(t, {"role": "assistant", "content": "Hi"})),
        (9, {"error": "Request failed during generation: Server error: out of memory", "error_type": "generation"})], **{"class": "error_event", "words": "out of memory"})
    l = "gpt-4o"
    reduce("litellm_chat", "LiteLLM 1.8 proxy", [(50, delta(l, {"content": "Hi", "role": "assistant"})), (1.5, delta(l, {"content": " you"})), (1.5, delta(l, {"content": " all"})), (20, delta(l, {"content": "."})),
        (1.5, delta(l, {}, "length")), (1.5, count(l, completion=4, prompt_tokens_details=None)), (0, DONE)])
    reduce("litellm_error", "LiteLLM 1.8 proxy", [(50, delta(l, {"content": "Hi", "role": "assistant"})),
        (5, {"error": {"message": "litellm.APIConnectionError: upstream closed", "type": None, "param": None, "code": "500"}})], **{"class": "error_event", "words": "upstream closed"})
    n = "meta/llama-3.1-8b-instruct"
    reduce("nim_chat", "NVIDIA NIM 1.8", [(12.5, delta(n, {"role": "assistant", "content": None})), (4.5, delta(n, {"content": "Hi"})), (4.5, delta(n, {"content": " you"}, choice={"stop_reason": None})),
        (4.5, delta(n, {"content": ""}, "stop", choice={"stop_reason": None})), (0, count(n)), (0, DONE)])
    a = "gpt-4o-2024-11-20"
    filters = {"hate": {"filtered": False, "severity": "safe"}, "error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    reduce("azure_chat", "Azure OpenAI 2024-10-21", [(80, {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": filters}]}),
        (40, delta(a, {"role": "assistant", "content": "", "refusal": None}, choice={"content_filter_results": {}, "logprobs": None}, system_fingerprint="fp_1")),
        (0, delta(a, {"content": "Hi"}, choice={"content_filter_results": filters}, obfuscation="x7")), (9, delta(a, {"content": " you"}, choice={"content_filter_results": filters}, obfuscation="")),
        (9, delta(a, {}, "stop", choice={"content_filter_results": {}})), (0, count(a, prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 0}, completion_tokens_details={"reasoning_tokens": 0})), (0, DONE)])
    reduce("azure_filtered", "Azure OpenAI 2024-10-21", [(80, delta(a, {"role": "assistant", "content": ""})), (9, delta(a, {"content": "Hi"})), (9, delta(a, {}, "content_filter")), (0, count(a, completion=1)), (0, DONE)])
    r = "deepseek/deepseek-r1"
    reduce("openrouter_chat", "OpenRouter", [(200, b": OPENROUTER PROCESSING\n\n"), (300, b": OPENROUTER PROCESSING\n\n"),
        (100, delta(r, {"role": "assistant", "content": "", "reasoning": "think", "reasoning_details": [{"type": "reasoning.text", "text": "think"}]}, choice={"native_finish_reason": None}, provider="P")),
        (12, delta(r, {"role": "assistant", "content": "", "reasoning": "ing"})), (12, delta(r, {"role": "assistant", "content": "Hi"})), (12, delta(r, {"role": "assistant", "content": ""}, "stop", choice={"native_finish_reason": "stop"})),
        (3, count(r, cost=0.0001, prompt_tokens_details={"cached_tokens": 8}, completion_tokens_details={"reasoning_tokens": 2})), (0, DONE)])
    reduce("openrouter_error", "OpenRouter", [(200, b": OPENROUTER PROCESSING\n\n"), (100, delta(r, {"role": "assistant", "content": "Hi"})),
        (50, delta(r, {"role": "assistant", "content": ""}, "error", error={"code": 502, "message": "Provider disconnected", "metadata": {"provider_name": "P"}})), (0, DONE)], **{"class": "error_event", "words": "Provider disconnected"})
    d = "deepseek-ai/DeepSeek-R1"
    reduce("dynamo_chat", "NVIDIA Dynamo 0.7", [(25, b'event: llm_metrics\n: {"input_tokens":16}\n\n'), (5, delta(d, {"role": "assistant", "content": "", "reasoning_content": "th"}, nvext={"worker_id": 7})), (6, delta(d, {"reasoning_content": "ink"})),
        (6, delta(d, {"content": "Hi"}, "stop")), (0, count(d)), (0, DONE)])
    reduce("dynamo_error_comment", "NVIDIA Dynamo 0.4", [(25, delta(d, {"role": "assistant", "content": "Hi"})), (6, b'event: error\n: "Stream ended before generation completed"\n\n'), (0, DONE)],
        **{"class": "error_event", "words": "Stream ended before generation completed"})
    o = "llama3.2:1b"
    fp = {"system_fingerprint": "fp_ollama"}
    reduce("ollama_chat", "Ollama 0.12", [(90, delta(o, {"role": "assistant", "content": "", "reasoning": "think"}, usage=None, **fp)), (30, delta(o, {"role": "assistant", "content": "Hi"}, usage=None, **fp)),
        (30, delta(o, {"role": "assistant", "content": ""}, "stop", usage=None, **fp)), (0, count(o, **fp)), (0, DONE)])
    reduce("ollama_unloaded", "Ollama 0.12", [(3, delta(o, {"role": "assistant", "content": ""}, "load", usage=None, **fp)), (0, DONE)], **{"class": "finish_reason", "words": "load"})
    reduce("mistralrs_error", "mistral.rs 0.7", [(30, b"data: Number of choices must be greater than 0.\n\n")], cut=True, end="open", **{"class": "bad_json", "words": "Number of choices must be greater than 0."})
    p, so_far, more = "sonar", "", []
    for gap, word in [(120, "Hi"), (20, " you"), (20, "")]:
        so_far += word
        more.append((gap, delta(p, {"role": "assistant", "content": word}, None if word else "stop", choice={"message": {"role": "assistant", "content": so_far}}, usage={"prompt_tokens": 16, "completion_tokens": len(more) + 1, "total_tokens": 17})))
    reduce("perplexity_chat", "Perplexity's API", more)
    reduce("together_chat", "Together's API", [(60, delta(p, {"role": "assistant", "content": "Hi", "token_id": 13347}, choice={"text": "Hi", "seed": None}, usage=None)), (9, delta(p, {"role": "assistant", "content": " you", "token_id": 499}, choice={"text": " you", "seed": None}, usage=None)),
        (9, delta(p, {"role": "assistant", "content": "", "token_id": 128009}, "length", choice={"text": "", "seed": 7}, usage={"prompt_tokens": 16, "completion_tokens": 3, "total_tokens": 19, "cached_tokens": 0})), (0, DONE)])
    reduce("deepseek_chat", "DeepSeek's API", [(50, b": keep-alive\n\n"), (50, delta(d, {"role": "assistant", "content": None, "reasoning_content": ""})), (12, delta(d, {"content": None, "reasoning_content": "think"})), (12, delta(d, {"content": "Hi", "reasoning_content": None})),
        (12, delta(d, {"content": "", "reasoning_content": None}, "length", usage={"prompt_tokens": 16, "completion_tokens": 3, "total_tokens": 19, "prompt_tokens_details": {"cached_tokens": 8}, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 8, "completion_tokens_details": {"reasoning_tokens": 1}})), (0, DONE)])
    q = "engine_fp16_2gpu"
    old = {"stop_reason": None, "avg_decoded_tokens_per_iter": 1.0, "token_ids": None}
    continuous = lambda c: {"prompt_tokens": 16, "total_tokens": 16 + c, "completion_tokens": c, "prompt_tokens_details": {"cached_tokens": 0}}
    reduce("trtllm12_completions", "trtllm-serve 1.2", [(30, text(q, " blue", choice=old, usage=continuous(1))), (5, text(q, "", choice=old, usage=continuous(2))), (5, text(q, " ☂ rain", "length", choice=old, usage=continuous(3))),
        (0.5, count(q, prompt_tokens_details={"cached_tokens": 0})), (0, DONE)], chat=False)
    reduce("trtllm_timeout", "trtllm-serve 1.2", [(30, text(q, " blue", choice=old)), (5, text(q, "", "timeout", choice=old)), (0, DONE)], chat=False, **{"class": "finish_reason", "words": "timeout"})
    reduce("trtllm_error", "trtllm-serve 1.3", [(30, text(q, " blue", usage=None)), (5, {"error": {"message": "rank 1 lost", "type": "server_error", "code": None, "param": None}}), (0, DONE), (0, DONE)], chat=False,
        **{"class": "error_event", "words": "rank 1 lost"})
    reduce("trtllm_cut", "trtllm-serve 1.1", [(30, text(q, " blue")), (5, text(q, " sky"))], chat=False, cut=True, **{"class": "cut"})
    reduce("no_end", "a proxy that keeps the connection open", [(30, delta(q, {"role": "assistant", "content": "Hi"})), (5, delta(q, {"content": " you"}, "stop")), (0, count(q)), (0, DONE)], cut=True, end="open")
    head = lambda b: b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(b), b)
    for name, server, body, fail in [
        ("whole_openrouter_error", "OpenRouter", {"id": "g", "model": r, "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "error", "error": {"code": 502, "message": "Provider disconnected"}}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}, ("error_event", "Provider disconnected")),
        ("whole_trtllm", "trtllm-serve 1.2", {"id": "cmpl-1", "object": "text_completion", "model": q, "choices": [{"index": 0, "text": " blue sky", "finish_reason": "length", **old}], "usage": continuous(2), "prompt_token_ids": None}, ("", "")),
        ("whole_vllm_abort", "vLLM 0.3x", {"id": "cmpl-1", "object": "text_completion", "model": m, "choices": [{"index": 0, "text": " blue", "finish_reason": "abort", "stop_reason": None}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}, ("finish_reason", "abort"))]:
        write(name, dict(server=server, made="a reduction in the server's dialect", chat="message" in body["choices"][0], streaming=False, raw=[(40.0, head(json.dumps(body).encode()))], **{"class": fail[0], "words": fail[1]}))


def recordings(root):
    for server, title in [("vllm", "vLLM 0.32 (CPU)"), ("llamacpp", "llama.cpp's server, October 2026"), ("llamacpp_two", "llama.cpp's server of xllamacpp 2026.10, n = 2"), ("ftllm", "FastLLM 1.9")]:
        for path in sorted(glob.glob(os.path.join(root, server, "c*.jsonl"))):
            rows = [json.loads(line) for line in open(path)]
            sent = "".join(t for _, way, t in rows if way == ">" and t)
            raw = [(at, t.encode("latin-1")) for at, way, t in rows if way == "<" and t]
            if not sent.startswith("POST") or not raw[0][1].startswith(b"HTTP/1.1 200"):
                continue
            write(f"{server}_{os.path.basename(path)[:-6]}", dict(server=title, made="recorded", chat="/chat/" in sent.split("\r\n")[0], streaming='"stream": true' in sent, raw=raw))


reductions()
if len(sys.argv) > 1:
    recordings(sys.argv[1])
