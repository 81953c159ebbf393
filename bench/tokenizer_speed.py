#!/usr/bin/env python3
"""tokenizer_speed.py: loadgen's tokenizers beside Hugging Face's, one core each.

Makes a virtual environment with tokenizers (PyPI), encodes the text of the Go
benchmarks (docs, Go source, the golden tests' texts) with the same files, and prints
MB/s of processor time and the ratio.
    python3 bench/tokenizer_speed.py [VENV]
"""
import glob, gzip, os, re, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = sys.argv[1] if len(sys.argv) > 1 else "/tmp/loadgen-tokenizers-venv"
PATHS = sorted(glob.glob(ROOT + "/docs/*.md")) + sorted(glob.glob(ROOT + "/pkg/dataset/*.go")) + [ROOT + "/testdata/golden/tokenizers/texts.json"]
TEXT = "".join(open(p, encoding="utf-8", newline="").read() for p in PATHS)

if "--inner" not in sys.argv:
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        subprocess.check_call([sys.executable, "-m", "venv", VENV])
        subprocess.check_call([python, "-m", "pip", "install", "-q", "tokenizers==0.22.2"])
    env = dict(os.environ, TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
    theirs = dict(line.split() for line in subprocess.check_output([python, __file__, VENV, "--inner"], env=env, text=True).splitlines())
    go = subprocess.check_output(["go", "test", "-run", "^$", "-bench", "Kinds", "-benchtime", "5x", "./internal/tokenizer"], cwd=ROOT, text=True, env=dict(os.environ, GOMAXPROCS="1"))
    print("%-14s %10s %14s %7s" % ("tokenizer", "loadgen", "Hugging Face", "ratio"))
    for name, speed in re.findall(r"BenchmarkKinds/([a-z0-9_]+)(?:-\d+)?\s.*?([\d.]+) cpu-MB/s", go):
        if name in theirs:
            print("%-14s %5.1f MB/s %9.1f MB/s %6.1fx" % (name, float(speed), float(theirs[name]), float(speed) / float(theirs[name])))
else:
    from tokenizers import Tokenizer
    for path in sorted(glob.glob(ROOT + "/testdata/tokenizers/*/tokenizer.json.gz")):
        t = Tokenizer.from_str(gzip.open(path, "rt", encoding="utf-8").read())
        t.encode("x")
        times = []
        for _ in range(3):
            start = time.process_time()
            t.encode(TEXT)
            times.append(time.process_time() - start)
        print(os.path.basename(os.path.dirname(path)), len(TEXT.encode()) / min(times) / 1e6)
