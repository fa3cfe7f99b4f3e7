package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	well := run(t, "doctor", "--data", data, "--max-upload", "1MB")
	if well.code != exitDone || !strings.Contains(well.out, "ok    UNREEL_DATABASE") {
		t.Errorf("exit code %d\n%s%s", well.code, well.out, well.err)
	}
	ill := run(t, "doctor", "converter", "--json", "--database", "mysql://ada:geheim@127.0.0.1:1/unreel", "--blobs", "file:"+data)
	if ill.code != exitFailed || strings.Contains(ill.out+ill.err, "geheim") || !strings.Contains(ill.err, "checks failed") {
		t.Errorf("exit code %d\n%s%s", ill.code, ill.out, ill.err)
	}
	failed := map[string]bool{}
	for line := range strings.Lines(ill.out) {
		var finding struct{ Level, Setting, Says, Remedy string }
		if err := json.Unmarshal([]byte(line), &finding); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		failed[finding.Setting] = failed[finding.Setting] || finding.Level == "fail"
	}
	if !failed["UNREEL_DATABASE"] || !failed["UNREEL_QUEUE"] || failed["UNREEL_BLOBS"] || failed["PATH"] {
		t.Errorf("failed: %v", failed)
	}
	if wrong := run(t, "doctor", "nurse"); wrong.code != exitUsage {
		t.Errorf("exit code %d for a service that is none", wrong.code)
	}
}
