/*
Loadgen loads an OpenAI-style LLM server, first of all trtllm-serve, and measures
TTFT, TPOT, ITL and E2EL. It takes the place of TensorRT-LLM's benchmark_serving:
the same flags, prompts, request bodies, console text and result file.

# Running a benchmark

Without flags but a concurrency it asks the server on 127.0.0.1:8000 for its
model and sends it random prompts: 512 tokens in, 128 out, five requests for
each concurrent one (1,000 without a concurrency):

	loadgen --max-concurrency 64

Everything that benchmark_serving takes may be given, by its rules. loadgen without
a word shows examples, --help lists the flags by group, --help-all explains them,
and loadgen help TOPIC explains one.

	loadgen --model meta-llama/Meta-Llama-3-8B-Instruct --dataset-name random --random-ids --random-input-len 512 --random-output-len 128 --num-prompts 80 --max-concurrency 16 --ignore-eos --save-result

Without a server, a simulated one is started for the run:

	loadgen --sim ideal --max-concurrency 64

To see what would be sent, and send nothing:

	loadgen --dry-run --sim ideal --num-prompts 2

A server other than trtllm-serve may reject fields of the body; a JSON merge
patch leaves them out:

	loadgen --model llama3 --dataset-name random --random-ids --body-patch '{"repetition_penalty": null, "ignore_eos": null}'

# Subcommands

	loadgen version

prints the version. loadgen sim serves the simulated server by itself: its first
line on standard output says where. loadgen selftest compares what loadgen
reports on this machine with what a simulated server knows. loadgen report shows
result files, compares them, and makes results of the timelines that
--save-timeline keeps. loadgen compare starts servers in turn, loads them and
judges the comparison: docs/compare.md. loadgen sweep measures a server at one
load after the other, up to saturation, and loadgen slo finds the highest load
within latency objectives: docs/sweep.md.

# What a run says of itself

The result and standard error hold a verdict on measurement error (clean,
degraded, client-limited), with a bound for each metric; findings about the
server's side, such as a batch limit or tokens that come in bursts; and notes.
docs/measurement.md says how they are made. --require clean makes the verdict a
gate.

# What is measured

A request's clock starts when it has got its concurrency slot and its body is
ready, immediately before its connection is opened (before the write on a
connection used again). TTFT ends with the first event that has choices; ITL is
the gap between such events; E2EL ends with the last of them (of any kind for
chat). TPOT is (E2EL - TTFT) / (tokens - 1). An event's instant is the kernel's
receive stamp of the read that completed its line (Linux, plain TCP), else the
time right after that read.

# Failures

A stream that is cut, carries an error, ends with neither a finish reason nor
[DONE], or brings no token is a failure; --failures original applies the
original's rule in its place, which lets some of these pass. Either way the
result says how many the original would have counted.

# Output

Standard output is benchmark_serving's text alone. With --save-result its JSON
is written, with one more object at the end, loadgen (--strict-json leaves it
out), and next to it an HdrHistogram log (.hlog: tags ttft, tpot, itl and e2el, in
nanoseconds, one-second bins, successes only). Notes, progress and paths go to
standard error.

# Exit codes

0 done; 1 the run failed, every request failed, a result, a plan or standard output
could not be written, or report or merge could not read a file; 2 wrong usage, or a
file of the run cannot be read or written: nothing was sent; 3 done, but a gate that
was asked for is missed; 129, 130 and 143 interrupted, with partial results saved.
*/
package main
