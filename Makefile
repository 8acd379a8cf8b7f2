# Duban. The two commands a newcomer needs: make run, make test.
GO       ?= go
VERSION  := $(shell git describe --always --dirty --tags 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.release=$(VERSION)
TOOL     := $(GO) tool -modfile=.ci/tools/go.mod
FUZZTIME ?= 30s
export CGO_ENABLED ?= 0

.PHONY: run build test check fmt vet lint race torture bench fuzz golden e2e clean

run: build ## build, fill the sample, serve, and say what to try
	bin/duban serve --demo --data data/sample

build: ## the program, as bin/duban
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/duban ./cmd/duban

test: ## all tests; needs no C compiler
	$(GO) test ./...

check: fmt vet lint race ## what has to hold before a commit

fmt:
	@out=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); test -z "$$out" || { echo "not formatted:"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...

lint:
	$(TOOL) golangci-lint run ./...

race: ## the tests in which things happen at once, under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -short ./api/... ./cmd/... ./eventstore/... ./projections/...

torture: ## kills, power cuts and broken disks on a real server; needs strace, takes minutes, DUBAN_TORTURE_KILLS and _CUTS set how many
	$(GO) vet -tags torture ./cmd/duban
	$(GO) test -tags torture -count=1 -parallel 6 -timeout 60m -v -run '^(TestTortureKills|TestPowerCut|TestDiskFaults)$$' ./cmd/duban

bench: build ## our figures beside their baselines, in one run
	bin/duban bench

fuzz: ## every fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzzminimizetime 10x -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

golden: ## write golden files anew; read the diff afterwards
	$(GO) test $$(git grep -lE '"update"|domaintest\.Golden' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's,^,./,') -update

e2e: build ## tests that need other programs: OpenAPI linter, nats client, LibreOffice, Chromium, strace
	.ci/e2e

clean:
	rm -rf bin
