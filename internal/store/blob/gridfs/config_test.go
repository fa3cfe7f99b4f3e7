package gridfs

import (
	"errors"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/store"
)

// TestConfig refuses what cannot be a server, without a word of its password.
func TestConfig(t *testing.T) {
	for name, config := range map[string]Config{
		"nothing":            {},
		"another scheme":     {URL: "mysql://u:s3cret@h/x"},
		"no host":            {URL: "mongodb://"},
		"slash in password":  {URL: "mongodb://u:s3/cret@host:27017"},
		"at in password":     {URL: "mongodb://u:s3@cret@host:27017"},
		"colon in password":  {URL: "mongodb://u:s3:cret@host:27017"},
		"percent":            {URL: "mongodb://u:s3%cret@host:27017"},
		"port":               {URL: "mongodb://u:s3cret@host:port"},
		"unknown mechanism":  {URL: "mongodb://u:s3cret@host/?authMechanism=GUESS"},
		"bad option":         {URL: "mongodb://u:s3cret@host/?w=-7&connectTimeoutMS=x"},
		"srv with port":      {URL: "mongodb+srv://u:s3cret@host.example.org:27017"},
		"negative timeout":   {URL: "mongodb://host", Timeout: -1},
		"certificate absent": {URL: "mongodb://u:s3cret@host/?tls=true&tlsCAFile=/nothing/here"},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := Open(config)
			if err == nil {
				store.Close()
				t.Fatal("no error")
			}
			for _, part := range []string{"s3", "cret"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("the error tells the password: %v", err)
				}
			}
		})
	}
}

// TestUnresolved opens a server whose name cannot be looked up now.
func TestUnresolved(t *testing.T) {
	opened, err := Open(Config{URL: "mongodb+srv://u:s3cret@cluster.unreel.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	err = opened.Check(t.Context())
	if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want ErrUnavailable without the password", err)
	}
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
	if err := opened.Check(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after close: got %v, want errClosed", err)
	}
}
