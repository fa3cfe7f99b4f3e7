package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDockerfile holds the images to what deploying them relies on.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range dockerfile(string(text)) {
		t.Error(wrong)
	}
	for name, mistake := range map[string][2]string{
		"a base that moves":       {"debian:13.7-slim", "debian:latest"},
		"a base without argument": {"${DEBIAN_IMAGE}", "debian:13.7-slim"},
		"root":                    {"USER 65532:65532", "USER 0:0"},
		"another build":           {"make build ", "go build "},
		"no label":                {"org.opencontainers.image.revision", "revision"},
		"a third image":           {"AS unreel-converter", "AS converter"},
	} {
		if len(dockerfile(strings.Replace(string(text), mistake[0], mistake[1], 1))) == 0 {
			t.Errorf("%s goes unseen", name)
		}
	}
}

func dockerfile(text string) []string {
	var wrong complaints
	arguments := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^ARG ([A-Z_]+)=(\S+)$`).FindAllStringSubmatch(text, -1) {
		arguments[match[1]] = match[2]
	}
	for _, base := range []string{"GO_IMAGE", "DEBIAN_IMAGE"} {
		if !regexp.MustCompile(`^[a-z]+:[0-9]+\.[0-9]+[a-z0-9.-]*$`).MatchString(arguments[base]) {
			wrong.add("%s is %q", base, arguments[base])
		}
	}
	stages := regexp.MustCompile(`(?m)^FROM (.*) AS (\S+)$`).FindAllStringSubmatch(text, -1)
	want := [][2]string{{"--platform=$BUILDPLATFORM ${GO_IMAGE}", "build"}, {"scratch", "unreel"}, {"${DEBIAN_IMAGE}", "unreel-converter"}}
	for i, stage := range want {
		if len(stages) != len(want) || stages[i][1] != stage[0] || stages[i][2] != stage[1] {
			wrong.add("the stages are %v", stages)
			break
		}
	}
	for word, times := range map[string]int{
		"\nUSER 65532:65532\n":                        2,
		`org.opencontainers.image.version="$VERSION"`: 2,
		`org.opencontainers.image.revision="$COMMIT"`: 2,
		"make build VERSION=":                         1,
		"go build":                                    0,
	} {
		if got := strings.Count(text, word); got != times {
			wrong.add("%q is there %d times", strings.TrimSpace(word), got)
		}
	}
	return wrong
}
