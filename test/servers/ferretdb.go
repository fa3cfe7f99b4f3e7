package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoVariable names a MongoDB for tests to use instead of starting FerretDB, as mongodb://host:port.
const mongoVariable = "UNREEL_TEST_MONGODB"

// FerretDB returns the URL, mongodb://host:port, of a server that the tests of this process share, which speaks
// MongoDB's protocol and stores in SQLite. Keep what is stored small, since reading takes time in proportion to
// everything that is there, and name databases with Database, so that tests don't meet and nothing stays.
func FerretDB(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(mongoVariable); given != "" {
		return given
	}
	server, err := sharedFerretDB()
	if err != nil {
		t.Fatal(err)
	}
	return server.URL()
}

var sharedFerretDB = once(startFerretDB)

// FerretDBServer is a FerretDB that belongs to one test.
type FerretDBServer struct {
	Server
	address *url.URL
}

// NewFerretDB starts a FerretDB for this test alone.
func NewFerretDB(t testing.TB) *FerretDBServer {
	t.Helper()
	return own(t, startFerretDB)
}

// URL is mongodb://host:port.
func (s *FerretDBServer) URL() string { return s.address.String() }

// Database returns a name for a database of the server at a mongodb:// URL. What is in it under that name is
// dropped when the test ends, if the server is up then.
func Database(t testing.TB, server, prefix string) string {
	t.Helper()
	name := prefix + "_" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := command(ctx, server, name, bson.D{{Key: "dropDatabase", Value: 1}})
		if err != nil && !mongo.IsNetworkError(err) && !mongo.IsTimeout(err) {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return name
}

func startFerretDB(ctx context.Context) (*FerretDBServer, error) {
	program, err := buildFerretDB(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	dir, err := directory("ferretdb")
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("start ferretdb: %w", err)
	}
	server := &FerretDBServer{address: &url.URL{Scheme: "mongodb", Host: local(port)}}
	server.Server = Server{
		name: "ferretdb", dir: dir,
		argv: []string{program, local(port), data},
		ready: func(ctx context.Context) error {
			return command(ctx, server.URL(), "admin", bson.D{{Key: "ping", Value: 1}})
		},
	}
	if err := server.start(ctx); err != nil {
		return nil, errors.Join(err, server.close())
	}
	return server, nil
}

// buildFerretDB returns the path of the program, which Go builds from its module when it is first needed, in
// two minutes or more, and then keeps in its cache.
func buildFerretDB(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*patience)
	defer cancel()
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module of the tests: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "ferretdb")
	cmd.Dir = filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "test", "ferretdb")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make test` has built it already
	cmd.Stderr = new(strings.Builder)
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build ferretdb: %w\n%s", err, cmd.Stderr)
	}
	return strings.TrimSpace(string(path)), nil
}

// command runs one command on a client of its own.
func command(ctx context.Context, server, database string, command bson.D) error {
	client, err := mongo.Connect(options.Client().ApplyURI(server).SetServerSelectionTimeout(time.Second))
	if err != nil {
		return err
	}
	err = client.Database(database).RunCommand(ctx, command).Err()
	return errors.Join(err, client.Disconnect(context.WithoutCancel(ctx)))
}
