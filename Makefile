# "make check" while you work, "make test" before you hand over.

FUZZTIME ?= 15s

# The version stamp comes from git, or from whoever packs a tree without it.
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT     ?= $(shell git rev-parse --verify -q HEAD || echo unknown)
BUILD_TIME ?= $(shell tools/buildtime)

CLI     = github.com/gatehouse/gatehouse/internal/cli
STAMP   = -X $(CLI).version=$(VERSION) -X $(CLI).commit=$(COMMIT) -X $(CLI).buildTime=$(BUILD_TIME)
LINT    = go tool -modfile=tools/go.mod staticcheck
TAGS    = interop,faultinject
PRODUCT = CGO_ENABLED=0 go build -trimpath -pgo=auto

# Only what is shipped or measured is optimized by profile: tests build faster without.
export GOFLAGS += -pgo=off

.PHONY: help check test deps fmt lint full race fuzz interop sdk bench profile build clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: fmt lint ## Quick: format, architecture, vet, staticcheck, build, short tests without the proofs (under a minute)
	CGO_ENABLED=0 go build ./...
	go test -short $$(go list ./... | grep -v /internal/test/proof)

test: deps check full race fuzz interop sdk ## Everything, on both engines; installs what it needs where it may

deps: ## Install what the tests need beside Go, or say what is missing
	@tools/deps

fmt:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these:" $$unformatted; exit 1; }

lint: ## Architecture test, go vet and staticcheck
	go test ./internal/test/arch
	go vet -tags $(TAGS) ./...
	$(LINT) -tags $(TAGS) ./...

full: ## Every test at its full count, on both engines
	go test -timeout 20m ./...

race: ## The race detector over every test, on both engines, with fewer rounds
	GATEHOUSE_TEST_ENGINES=both CGO_ENABLED=1 go test -race -short -timeout 20m ./...

fuzz: ## Each fuzz target for FUZZTIME (15s)
	@tools/fuzz $(FUZZTIME)

interop: ## Tests against other programs: a browser, a real Synapse
	tools/interop

sdk: ## The SDKs (Go, Python, TypeScript), beside a real Gatehouse
	tools/sdk

bench: ## Measure, as ratios against the bare machine
	go run ./test/bench

profile: ## Record a CPU profile under that load, for the compiler
	tools/profile

build: ## The program, into bin/
	$(PRODUCT) -ldflags '-s -w $(STAMP)' -o bin/gatehouse ./cmd/gatehouse

clean: ## Remove what was built
	rm -rf bin coverage.*
