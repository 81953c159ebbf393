VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  = -ldflags "-s -w -X main.version=$(VERSION)"
# "build" compiles as "go run" does, so that what one compiled the other finds in the cache; what
# is given away has no paths of this machine in it.
GOBUILD  = CGO_ENABLED=0 go build -buildvcs=false $(LDFLAGS)
GODIST   = $(GOBUILD) -trimpath
FUZZTIME ?= 20s
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test race lint manifests fuzz bench bench-truth bench-peers bench-compute bench-soak bench-live bench-spinners bench-clock-steps sim-profiles definitions-check faults chaos chaos-seeds mutate stats-coverage slo-check accessibility demo-pictures dist deb module-size build-cost start-time reproducible clean

OUT ?= loadgen
build: ## a static ./loadgen for this machine, or OUT
	$(GOBUILD) -o $(OUT) ./cmd/loadgen

test: ## all tests
	go test ./...

# The detector makes each process wait for a second at its end, and the tests start many.
race: ## all tests but long computations of one goroutine under the race detector, shuffled (needs a C compiler)
	GORACE=atexit_sleep_ms=20 CGO_ENABLED=1 go test -race -short -shuffle=on -timeout 40m ./...

lint: ## gofmt, vet on every system we build for, staticcheck, tidy go.mod, modules as go.sum has them
	@test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1; }
	go vet ./...
	GOOS=darwin GOARCH=arm64 go vet ./...
	GOOS=linux GOARCH=arm64 go vet ./...
	$(STATICCHECK) ./...
	go mod tidy -diff
	go mod verify

# When its time is over, go test now and then calls that itself a failure, "context
# deadline exceeded", without an input that fails: that is none.
fuzz: ## each fuzz target for $(FUZZTIME)
	@set -e; found=0; log=$$(mktemp); trap 'rm -f $$log' EXIT; for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do found=1; \
	    echo "$$pkg $$target"; failed=0; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzzminimizetime 10x -fuzztime $(FUZZTIME) $$pkg > $$log 2>&1 || failed=1; \
	    grep -v '^fuzz: elapsed' $$log || true; \
	    if test $$failed = 1; then \
	      grep -qx ' *context deadline exceeded' $$log || exit 1; \
	      if grep -q 'Failing input\|panic' $$log; then exit 1; fi; \
	    fi; \
	  done; done; test $$found = 1 || { echo "no fuzz targets found"; exit 1; }

bench: start-time ## decoder, tokenizer, prompts, analysis, start-up, size of the binary
	go test -run '^$$' -bench . -benchmem ./internal/stream ./internal/tokenizer ./pkg/dataset ./internal/analysis ./cmd/loadgen

bench-truth: ## reported minus true, beside a C client (needs a C compiler and Linux)
	go run ./bench

bench-peers: ## the same, and the commands in PEER_NAME variables ({url}, {n}, {tokens}, {file})
	go run ./bench -peers

bench-live: ## what the progress line and the live view cost at 1,000 streams (needs a C compiler and script(1))
	go run ./bench -live -turns 5

REQUESTS ?= 200000
bench-compute: ## how long after the last answer of 200,000 requests (REQUESTS=1000000) the result is there, and peak memory; BEFORE=REVISION measures that, too
	go run ./bench -compute $(REQUESTS) -before "$(BEFORE)"

bench-spinners: ## stamps of sockets and of packets while 24 processes keep all processors busy (needs a C compiler and CAP_NET_RAW)
	go run ./bench -spinners 24

bench-soak: ## 2,000 streams for five minutes: memory and descriptors stay flat
	go run ./bench -soak 5m

bench-clock-steps: ## step this machine's wall clock by an hour in the middle of runs, and put it right again (needs root and a C compiler)
	go run ./bench -clock-steps 1h

faults: ## every fault of internal/faults on the real binary: about 4,000 runs, ten minutes or more
	go run ./bench/faults

mutate: ## break one rule at a time: each must be caught by the test that guards it (bench/mutate/mutations.txt)
	go run ./bench/mutate

SEED ?= 1
chaos: ## the faults of SEED, mixed under load for a minute: the books must balance
	go run ./bench/faults -chaos $(SEED)

chaos-seeds: ## the same for 20 seeds from SEED on, for 5 s each
	go run ./bench/faults -chaos $(SEED) -seeds 20 -length 5s

definitions-check: ## other tools' own functions on the example of docs/definitions.md (needs python3 and PyPI)
	python3 internal/definitions/check_tools.py

stats-coverage: ## how often the intervals of comparisons hold the truth, 10,000 simulated pairs each and runs of one real server
	COVERAGE_PAIRS=10000 go test -count=1 -run 'TestStatsCoverage|KnownLimit' -v -timeout 30m ./internal/judge ./pkg/report ./internal/sweep

SLO_SEEDS ?= 20
slo-check: ## the search for the limit, against models and the simulator whose limits are known: SLO_SEEDS searches each (an hour of one core)
	SLO_SEEDS=$(SLO_SEEDS) GOGC=400 go test -count=1 -run 'TestLimitIsTheKnownOne|TestLimitOfTheSimulator|TestLimitThroughTheClient|TestQueueThatGrows' -v -timeout 180m ./internal/sweep | grep -v '^==='

manifests: ## the examples' Kubernetes manifests, decoded strictly with the types of Kubernetes and of JobSet (needs the module proxy)
	cd bench/manifests && go run . ../../examples/scale/*.yaml ../../examples/kubernetes/*.yaml

AXE ?= axe-core@4.11.1
accessibility: ## axe-core looks at the report's pages, for desks and phones, light and dark (needs chromium and npm)
	@command -v chromium >/dev/null || { echo "accessibility: chromium is not installed" >&2; exit 1; }
	@set -e; dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; cd $$dir; npm pack --silent $(AXE); tar xzf *.tgz; cd $(CURDIR); \
	  AXE_CORE=$$dir/package/axe.min.js go test -count=1 -v -run 'TestAccessibility|TestPageInABrowser' ./pkg/report

demo-pictures: ## the pictures of docs, of stored runs; a test says when they are not current (needs chromium)
	go test -count=1 ./pkg/report -run TestPicturesAreCurrent -pictures

sim-profiles: ## the simulator's profiles beside the runs that they resemble
	@echo '| profile | concurrency | TTFT ms (origin) | TPOT ms | E2EL ms | tokens/s | median ITL ms |'
	@echo '|---|---|---|---|---|---|---|'
	@go test -count=1 -v -run TestProfilesResembleTheOrigins ./internal/trtsim | sed -n 's/^.*: \(| origin-.*\)$$/\1/p'

SHARE = dist/share
SECONDS ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
dist: ## static binaries in dist/, archives with licences, manual and completions, Debian packages, checksums, a bill of materials (CycloneDX)
	@rm -rf dist && mkdir -p $(SHARE)
	@set -e; for target in linux/amd64 linux/arm64 darwin/arm64; do \
	  out=dist/loadgen-$$(echo $$target | tr / -); echo $$out; \
	  GOOS=$${target%/*} GOARCH=$${target#*/} $(GODIST) -o $$out ./cmd/loadgen; done
	@set -e; { cat LICENSE NOTICE; printf '\n==== Meta Llama 3\n\n'; cat internal/tokenizer/LICENSE.llama3; \
	  printf '\n==== RFC 7932\n\n'; cat standin/brotli/LICENSE.rfc7932; \
	  printf '\n==== Go\n\n'; cat "$$(go env GOROOT)/LICENSE"; \
	  go list -deps -f '{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/loadgen | LC_ALL=C sort -u | \
	  while read -r module dir; do \
	    grep -qF " $$module " NOTICE || { echo "NOTICE does not name $$module" >&2; exit 1; }; \
	    texts=$$(cd $$dir && find . -maxdepth 2 -name 'LICENSE*' | LC_ALL=C sort); \
	    test -n "$$texts" || { echo "$$module has no licence file" >&2; exit 1; }; \
	    printf '\n==== %s\n\n' $$module; (cd $$dir && cat $$texts); \
	  done; } > dist/LICENSES
	@cp LICENSE NOTICE README.md dist/LICENSES $(SHARE)
	@set -e; $(GODIST) -o $(SHARE)/here ./cmd/loadgen; \
	  $(SHARE)/here man > $(SHARE)/loadgen.1; $(SHARE)/here completion bash > $(SHARE)/loadgen.bash; \
	  $(SHARE)/here completion fish > $(SHARE)/loadgen.fish; $(SHARE)/here completion zsh > $(SHARE)/_loadgen; rm $(SHARE)/here
	@go run ./bench/pack -version $(VERSION) -time $(SECONDS) -share $(SHARE) -out dist dist/loadgen-linux-amd64 dist/loadgen-linux-arm64 dist/loadgen-darwin-arm64
	@rm -r $(SHARE)
	@go run ./bench/sbom -version $(VERSION) dist/loadgen-linux-amd64 dist/loadgen-linux-arm64 dist/loadgen-darwin-arm64 > dist/sbom.cdx.json
	@cd dist && sha256sum loadgen* LICENSES sbom.cdx.json > SHA256SUMS && cat SHA256SUMS

deb: dist ## the Debian packages of "make dist", shown
	@set -e; for deb in dist/*.deb; do dpkg-deb -I $$deb; dpkg-deb -c $$deb; done

# The archives that the go command downloads, of an empty module cache; this machine's cache
# stands in for the network as far as it goes.
module-size: ## MB of modules that a first build downloads, and that the tests do
	@set -e; dir=$$(mktemp -d); trap 'chmod -R u+w $$dir; rm -rf $$dir' EXIT; \
	  proxy="file://$$(go env GOMODCACHE)/cache/download,$$(go env GOPROXY)"; \
	  for what in "build ./cmd/loadgen" "test -test ./..."; do set -- $$what; name=$$1; shift; \
	    GOMODCACHE=$$dir/$$name GONOSUMDB='*' GOFLAGS=-mod=mod GOPROXY=$$proxy go list -deps "$$@" > /dev/null; \
	    find $$dir/$$name/cache/download -name '*.zip' -printf '%s %P\n' | sort -rn | \
	      awk -v name=$$name '{ s += $$1; if (NR <= 5) top = top sprintf("  %5.1f MB  %s\n", $$1 / 1e6, $$2) } END { printf "%s: %.1f MB in %d modules\n%s", name, s / 1e6, NR, top }'; \
	  done

build-cost: ## CPU time of a first build: compiles everything, Go's library too, into an empty cache
	@set -e; dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; GOCACHE=$$dir/cache; export GOCACHE; \
	  bash -c 'TIMEFORMAT="first build: %R s, CPU %U s user, %S s system"; time $(MAKE) -s build OUT='$$dir'/loadgen'; \
	  bash -c 'TIMEFORMAT="then go run, without cgo as that build: %R s, CPU %U s user, %S s system"; time CGO_ENABLED=0 go run ./cmd/loadgen version'; \
	  bash -c 'TIMEFORMAT="then go run: %R s, CPU %U s user, %S s system"; time go run ./cmd/loadgen version'

start-time: ## size of the static binary, and how long it takes to print its version
	@set -e; dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; $(MAKE) -s build OUT=$$dir/loadgen; \
	  stat -c %s $$dir/loadgen | awk '{ printf "binary: %.1f MB\n", $$1 / 1e6 }'; \
	  go run ./bench/start $$dir/loadgen version

reproducible: ## two "make dist" of the commit, in two places, are equal byte for byte
	@set -e; dir=$$(mktemp -d); trap 'rm -rf $$dir' EXIT; git clone -q . $$dir/here; git clone -q . $$dir/is/elsewhere; \
	  $(MAKE) -C $$dir/here dist; GOCACHE=$$dir/cache $(MAKE) -C $$dir/is/elsewhere dist; \
	  diff -r $$dir/here/dist $$dir/is/elsewhere/dist && echo equal

clean:
	rm -rf loadgen dist
