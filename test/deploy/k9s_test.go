package deploy

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// k9s reads a file of deploy/k9s, held to the schema that K9s itself holds it to.
func k9s(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy/k9s", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkK9s(name, text); err != nil {
		t.Error(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func checkK9s(name string, text []byte) error {
	published, err := published.ReadFile("testdata/k9s/" + name + ".json")
	if err != nil {
		return err
	}
	var schema, content any
	if err := json.Unmarshal(published, &schema); err != nil {
		return err
	}
	compiled, err := compile(name, schema)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return err
	}
	return compiled.Validate(content)
}

type plugins struct {
	Plugins map[string]struct {
		ShortCut string   `json:"shortCut"`
		Command  string   `json:"command"`
		Args     []string `json:"args"`
		Scopes   []string `json:"scopes"`
	} `json:"plugins"`
}

// ran is a command of ours within a plugin.
var ran = regexp.MustCompile(`-- unreel ([a-z]+(?: [a-z]+)?)`)

// substituted is what K9s puts into arguments, in capitals or not.
var substituted = []string{"CLUSTER", "CONTAINER", "CONTEXT", "FILTER", "GROUPS", "KUBECONFIG", "NAME", "NAMESPACE", "NODE", "POD", "USER"}

var shellVariable = regexp.MustCompile(`\$\{?([A-Za-z_]+)`)

// taken is the keys with which K9s sorts, jumps and forwards in the views that plugins are for.
var taken = []string{
	"Shift-A", "Shift-C", "Shift-F", "Shift-G", "Shift-I", "Shift-J", "Shift-L", "Shift-M", "Shift-N", "Shift-O", "Shift-P", "Shift-R",
	"Shift-S", "Shift-T", "Shift-U", "Shift-X", "Shift-Z",
}

func TestK9sPlugins(t *testing.T) {
	var file plugins
	k9s(t, "plugins", &file)
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	var commands []string
	for name, plugin := range file.Plugins {
		if other, found := keys[plugin.ShortCut]; found {
			t.Errorf("%s and %s have the same key", name, other)
		}
		keys[plugin.ShortCut] = name
		if plugin.Command != "sh" || len(plugin.Args) != 2 || plugin.Args[0] != "-c" {
			t.Fatalf("%s runs %s %v", name, plugin.Command, plugin.Args)
		}
		script := plugin.Args[1]
		if output, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, output)
		}
		if strings.Count(script, "kubectl") != strings.Count(script, `kubectl --context "$CONTEXT" -n `+namespace+" ") {
			t.Errorf("%s may look at another cluster or namespace", name)
		}
		for _, match := range shellVariable.FindAllStringSubmatch(script, -1) {
			if capitals := strings.ToUpper(match[1]); match[1] != capitals && slices.Contains(substituted, capitals) {
				t.Errorf("%s: K9s puts something of its own in the place of $%s", name, match[1])
			}
		}
		if slices.Contains(taken, plugin.ShortCut) {
			t.Errorf("%s has a key that K9s has itself", name)
		}
		for _, match := range ran.FindAllStringSubmatch(script, -1) {
			commands = append(commands, match[1])
			if output, err := exec.Command(path, append(strings.Fields(match[1]), "--help")...).CombinedOutput(); err != nil {
				t.Errorf("%s: unreel %s: %v: %s", name, match[1], err, output)
			}
		}
	}
	slices.Sort(commands)
	if want := []string{"doctor", "queue list", "queue replay", "queue show"}; !slices.Equal(commands, want) {
		t.Errorf("plugins run %v", commands)
	}
	for _, script := range []string{"unreel-queues", "unreel-follow"} {
		if _, found := file.Plugins[script]; !found {
			t.Errorf("no %s", script)
		}
	}
}

// TestK9sLooksAtWhatIsThere holds the selectors of aliases, hotkeys and plugins to the pods of the overlays.
func TestK9sLooksAtWhatIsThere(t *testing.T) {
	var aliases struct {
		Aliases map[string]string `json:"aliases"`
	}
	var hotkeys struct {
		HotKeys map[string]struct {
			Command string `json:"command"`
		} `json:"hotKeys"`
	}
	var file plugins
	var views map[string]any
	k9s(t, "aliases", &aliases)
	k9s(t, "hotkeys", &hotkeys)
	k9s(t, "plugins", &file)
	k9s(t, "views", &views)
	texts := slices.Collect(maps.Values(aliases.Aliases))
	for _, key := range hotkeys.HotKeys {
		texts = append(texts, key.Command)
	}
	for _, plugin := range file.Plugins {
		texts = append(texts, plugin.Args...)
	}
	selector := regexp.MustCompile(`(app\.kubernetes\.io/[a-z]+)=([a-z]+)`)
	var checked int
	for overlay := range overlays {
		c := load(t, overlay)
		for _, text := range texts {
			for _, match := range selector.FindAllStringSubmatch(text, -1) {
				checked++
				if !slices.ContainsFunc(c.workloads, func(w workload) bool { return w.template.Labels[match[1]] == match[2] }) {
					t.Errorf("%s: no pod has %s", overlay, match[0])
				}
			}
		}
	}
	if checked == 0 {
		t.Error("nothing was looked at")
	}
}

// TestK9sSchemasRefuse is the proof that the schemas can refuse.
func TestK9sSchemasRefuse(t *testing.T) {
	for name, mistake := range map[string][2]string{
		"plugins": {"shortCut:", "shortcut:"}, "aliases": {"aliases:", "alias:"}, "hotkeys": {"hotKeys:", "hotkeys:"}, "views": {"columns:", "column:"},
	} {
		text, err := os.ReadFile(filepath.Join("../../deploy/k9s", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if broken := bytes.Replace(text, []byte(mistake[0]), []byte(mistake[1]), 1); checkK9s(name, broken) == nil {
			t.Errorf("%s with %s is taken", name, mistake[1])
		}
	}
}
