# Everything that a contributor types; `make help` lists it. GNU make, and Go as go.mod names it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# What is installed where it is missing, as Debian names it.
RUN_NEEDS   := ffmpeg
TEST_NEEDS  := ffmpeg mpg123 mariadb-server rabbitmq-server chromium
ARM64_NEEDS := ffmpeg qemu-system-arm cpio

# A checkout without git, or somebody else's, still builds.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  = $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

CLI     := github.com/unreel/unreel/internal/cli
LDFLAGS = -s -w -X $(CLI).version=$(VERSION) -X $(CLI).commit=$(COMMIT)
TOOL    := go tool -modfile=tools/go.mod

# Narrows `make test` and `make test-race`: make test PKG=./internal/media/... ARGS='-run TestSplice -v'
PKG  := ./...
ARGS :=

## —— Use ——

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: run-needs build ## build and start everything in one process on http://localhost:8080
	@exec bin/unreel all

.PHONY: build
build: encoder ## build bin/unreel, one static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/unreel ./cmd/unreel

# What `unreel` carries inside to encode on all cores; without it everything works, on one.
.PHONY: encoder
encoder:
	@scripts/encoder

# Images: make images PREFIX=registry.example.com/ TAG=v1.2.3 ARGS='--platform linux/amd64,linux/arm64 --push'
DOCKER  := docker
PREFIX  :=
TAG      = $(VERSION)
TIME     = $(shell git show -s --format=%ct HEAD 2>/dev/null || echo 0)
CREATED  = $(shell date -u -d @$(TIME) +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r $(TIME) +%Y-%m-%dT%H:%M:%SZ)

.PHONY: images
images: ## build the container images unreel and unreel-converter, for Docker, compose and Kubernetes
	@for image in unreel unreel-converter; do \
		DOCKER_BUILDKIT=1 $(DOCKER) build --file deploy/Dockerfile --target $$image \
			--build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' \
			--build-arg SOURCE_DATE_EPOCH='$(TIME)' --build-arg CREATED='$(CREATED)' \
			--tag '$(PREFIX)'$$image:'$(TAG)' --tag '$(PREFIX)'$$image:local $(ARGS) . || exit 1; \
	done

## —— Prove ——

.PHONY: test
test: test-needs encoder ## run the whole suite with private servers on free ports
	CGO_ENABLED=0 go test -count=1 -timeout=30m $(ARGS) $(PKG)

.PHONY: test-race
test-race: test-needs encoder ## the same under the race detector; slower, needs a C compiler
	CGO_ENABLED=1 go test -race -count=1 -timeout=45m $(ARGS) $(PKG)

.PHONY: test-faults
test-faults: test-needs encoder ## take servers and services away for hours (UNREEL_TEST_JOBS, UNREEL_TEST_SEED), and run the ledger's model 100,000 times
	CGO_ENABLED=0 UNREEL_TEST_FAULTS=long go test ./test/faults -count=1 -timeout 0 -v $(ARGS)
	CGO_ENABLED=0 UNREEL_TEST_MODELS=8 go test ./internal/store/ledger/sqlledger -run Model -count=1 -timeout 0 -parallel 16 -rapid.checks=12500

.PHONY: bench
bench: test-needs encoder ## run the benchmarks, as ratios against ffmpeg side by side
	CGO_ENABLED=0 go test -run='^$$' -bench=. -benchtime=7x -timeout=60m $(ARGS) ./test/bench

# What the four services do; `unreel all` has no image.
CLUSTERS := ^(TestCluster|TestUploadAcrossGateways|TestAccount|TestAccountByMail|TestSessions|TestWebhooks|TestSeeing)$$/^(four processes|traces|logs|metrics)$$

.PHONY: test-images
test-images: test-needs ## run clusters of the images that `make images` has built, against private servers
	UNREEL_TEST_PROGRAM=$(CURDIR)/scripts/in-container go test ./test/e2e -count=1 -run '$(CLUSTERS)' $(ARGS)

.PHONY: test-arm64
test-arm64: ## run what depends on the processor under Debian's arm64 kernel in an emulated machine (QEMU)
	@scripts/deps $(ARM64_NEEDS)
	test/arm64/run

.PHONY: load
load: test-needs ## use a cluster as 200 people at once for 5 minutes; UNREEL_LOAD_USERS and UNREEL_LOAD_DURATION shorten it
	CGO_ENABLED=0 UNREEL_LOAD_DURATION=$${UNREEL_LOAD_DURATION:-5m} UNREEL_LOAD_P99=$${UNREEL_LOAD_P99:-50ms} \
		go test ./test/load -count=1 -timeout=60m -v $(ARGS)

.PHONY: check
check: check-format check-modules check-generated check-lint check-deploy check-alerts check-vulns ## formatting, linters, generated code up to date, manifests, alerts, vulnerability scan

.PHONY: check-format
check-format:
	@echo 'gofumpt'
	@files=$$($(TOOL) gofumpt -l .) || exit 1; \
	[ -z "$$files" ] || { printf 'These need `make fmt`:\n%s\n' "$$files" >&2; exit 1; }

.PHONY: check-modules
check-modules:
	go mod tidy -diff
	go mod verify

.PHONY: check-generated
check-generated:
	scripts/generated

.PHONY: check-lint
check-lint:
	go vet ./...
	go -C test/ferretdb vet ./...
	go -C test/observability vet ./...
	$(TOOL) golangci-lint run

# Dockerfile, compose.yaml, every overlay of deploy/kubernetes, and deploy/k9s.
.PHONY: check-deploy
check-deploy: run-needs
	go -C test/deploy mod tidy -diff
	go -C test/deploy vet ./...
	go -C test/deploy test -count=1 ./...

# deploy/prometheus and deploy/grafana.
.PHONY: check-alerts
check-alerts:
	go -C test/observability mod tidy -diff
	CGO_ENABLED=0 go -C test/observability test -count=1 ./...

.PHONY: check-vulns
check-vulns:
	scripts/vulncheck

## —— Change ——

.PHONY: fmt
fmt: ## format the code
	$(TOOL) gofumpt -w .

.PHONY: generate
generate: ## generate code again from api/ and web/
	go generate ./...

.PHONY: clean
clean: ## remove what was built, never data
	rm -rf bin internal/media/encoder/program/unreel-encoder internal/media/sandbox/program/unreel-box
	rm -f coverage.* *.test *.out *.prof *.pprof

.PHONY: run-needs test-needs
run-needs:
	@scripts/deps $(RUN_NEEDS)

test-needs:
	@scripts/deps $(TEST_NEEDS)
	@CGO_ENABLED=0 go -C test/ferretdb tool -n ferretdb >/dev/null
