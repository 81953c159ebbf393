#!/usr/bin/env python3
"""Feeds the worked example of docs/definitions.md to the functions of the tools themselves.

  python3 internal/definitions/check_tools.py [VENV]

Installs the versions of vllm and aiperf that the page names into VENV (default: a temporary
directory), gives their own code the example's stream at exact instants, and compares TTFT, ITL,
TPOT and latency with the page's table. Ends with 1 where a row of the page is no longer right.
"""
import asyncio, importlib.util, json, pathlib, re, subprocess, sys, tempfile, types, venv

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "definitions.md"
EXAMPLE = json.loads((HERE / "testdata" / "example.json").read_text())


def versions():
    """The versions that the page names: `vllm 0.33.0`."""
    return dict(re.findall(r"`(vllm|aiperf) (\d+(?:\.\d+)+)`", PAGE.read_text()))


def rows():
    """The page's table: tool -> [TTFT, ITL, TPOT, latency] in ms, None where there is none."""
    table = PAGE.read_text().split("<!-- table -->")[1].split("<!-- end -->")[0]
    out = {}
    for line in table.strip().splitlines()[2:]:
        cells = [c.strip() for c in line.strip("|").split("|")]
        out[cells[0]] = [None if c == "-" else float(c) for c in cells[1:5]]
    return out


def mean(values):
    return sum(values) / len(values) if values else None


def sse(data):
    return ("data: " + json.dumps(data) + "\n\n").encode()


# --- vLLM: its request function, on a session that is not a network ---------------------------

class Clock:
    now = EXAMPLE["start_ms"] / 1e3


class Content:
    async def iter_any(self):
        for e in EXAMPLE["events"]:
            Clock.now = (EXAMPLE["start_ms"] + e["at_ms"]) / 1e3
            yield sse(e["data"] if e["kind"] == "usage" else {k: v for k, v in e["data"].items() if k != "usage"})
        Clock.now = (EXAMPLE["start_ms"] + EXAMPLE["done_ms"]) / 1e3
        yield b"data: [DONE]\n\n"


class Session:
    status, content, reason = 200, Content(), "OK"

    def post(self, **_):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return False


def vllm_row():
    import vllm_request as f
    f.time = types.SimpleNamespace(perf_counter=lambda: Clock.now)
    request = f.RequestFuncInput(prompt="x", api_url="http://127.0.0.1/v1/chat/completions", prompt_len=9,
                                 output_len=EXAMPLE["completion_tokens"], model="m")
    out = asyncio.run(f.async_request_openai_chat_completions(request, Session()))
    if not out.success:
        raise SystemExit("vllm takes the example for a failure: " + out.error)
    tpot = (out.latency - out.ttft) / (out.output_tokens - 1)  # calculate_metrics in serve.py
    return [1e3 * out.ttft, 1e3 * mean(out.itl), 1e3 * tpot, 1e3 * out.latency]


# --- AIPerf: its endpoint parses the stream, its metrics read the record ----------------------

def aiperf_row():
    from aiperf.common.models.record_models import SSEMessage
    from aiperf.endpoints.openai_chat import ChatEndpoint
    from aiperf.metrics.types.inter_token_latency_metric import InterTokenLatencyMetric
    from aiperf.metrics.types.output_sequence_length_metric import OutputSequenceLengthMetric
    from aiperf.metrics.types.request_latency_metric import RequestLatencyMetric
    from aiperf.metrics.types.ttft_metric import TTFTMetric

    endpoint = ChatEndpoint.__new__(ChatEndpoint)
    endpoint.is_enabled_for = lambda level: False  # its logger
    parsed, first_tokens = [], None
    for e in EXAMPLE["events"]:
        at = round((EXAMPLE["start_ms"] + e["at_ms"]) * 1e6)
        message = SSEMessage.parse(sse(e["data"]).decode().strip(), at)
        if (p := endpoint.parse_response(message)) is not None:
            parsed.append(p)
            if p.data and first_tokens is None:
                first_tokens = e["data"]["usage"]["completion_tokens"]
    start = round(EXAMPLE["start_ms"] * 1e6)
    record = types.SimpleNamespace(
        responses=parsed, content_responses=[p for p in parsed if p.data], start_perf_ns=start,
        request=types.SimpleNamespace(start_perf_ns=start),
        token_counts=types.SimpleNamespace(first_content_chunk_tokens=first_tokens))

    class Metrics(dict):
        def get_or_raise(self, metric):
            return self[metric.tag]

    values = Metrics({OutputSequenceLengthMetric.tag: EXAMPLE["completion_tokens"]})
    for metric in (TTFTMetric, RequestLatencyMetric, InterTokenLatencyMetric):
        values[metric.tag] = metric.__new__(metric)._parse_record(record, values)
    return [values[TTFTMetric.tag] / 1e6, values[InterTokenLatencyMetric.tag] / 1e6, None, values[RequestLatencyMetric.tag] / 1e6]


def install(where, want):
    python = str(where / "bin" / "python")
    if not (where / "bin" / "python").exists():
        venv.create(where, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"aiperf=={want['aiperf']}", "aiohttp", "regex", "tqdm"], check=True)
    # Of vLLM only the module that times a request is needed, not its 10 GB of CUDA libraries.
    wheels = where / "wheels"
    subprocess.run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, f"vllm=={want['vllm']}"], check=True)
    wheel = next(wheels.glob(f"vllm-{want['vllm']}-*.whl"))
    unpack = ("import sys,zipfile,pathlib; z=zipfile.ZipFile(sys.argv[1]); "
              "pathlib.Path(sys.argv[2]).write_bytes(z.read('vllm/benchmarks/lib/endpoint_request_func.py'))")
    subprocess.run([python, "-c", unpack, wheel, where / "vllm_request.py"], check=True)
    return python


def main():
    if sys.argv[1:2] == ["--in-venv"]:
        sys.path.insert(0, sys.argv[2])
        print(json.dumps({"vllm": vllm_row(), "aiperf": aiperf_row()}))
        return
    want = versions()
    if set(want) != {"vllm", "aiperf"}:
        raise SystemExit(f"{PAGE} does not name the versions of vllm and aiperf")
    with tempfile.TemporaryDirectory() as temporary:
        where = pathlib.Path(sys.argv[1] if sys.argv[1:] else temporary)
        python = install(where, want)
        out = subprocess.run([python, __file__, "--in-venv", str(where)], check=True, stdout=subprocess.PIPE, text=True).stdout
    theirs, page, wrong = json.loads(out.splitlines()[-1]), rows(), 0
    for tool, values in theirs.items():
        for name, got, said in zip(("TTFT", "ITL", "TPOT", "latency"), values, page[tool]):
            ok = (got is None) == (said is None) and (got is None or abs(got - said) < 0.006)
            wrong += not ok
            print(f"{tool} {want[tool]} {name}: {got if got is None else round(got, 3)} ms, page {said}{'' if ok else '  WRONG'}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
