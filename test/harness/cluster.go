package harness

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/unreel/unreel/test/servers"
)

// Shape is what a cluster is made of.
type Shape struct {
	Gateways, Converters, Notifiers int // processes; 0 is one

	// Database is flags for the database, of which those of the tests are not those of an operator.
	Database []string
	// Broker is lines for the broker's configuration.
	Broker []string
	// Through returns where a service finds a server (database, blobs, queue, mail or auth) that is at an address,
	// so that a test can stand between the two; nil leaves them alone.
	Through func(service, server, address string) string
}

// link returns the URL under which a service finds the server with this URL.
func (s Shape) link(t testing.TB, service, server, address string) string {
	t.Helper()
	if s.Through == nil {
		return address
	}
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Host = s.Through(service, server, parsed.Host)
	return parsed.String()
}

// Cluster is the four services as processes of their own, over servers of their own.
type Cluster struct {
	Database *servers.MariaDBServer
	Broker   *servers.RabbitMQServer
	Blobs    *servers.FerretDBServer
	Mail     *servers.SMTPServer

	URL        string   // of the first gateway
	URLs       []string // of every gateway
	DSN        string   // UNREEL_DATABASE
	AMQP       string   // UNREEL_QUEUE
	Gateways   []*Process
	Auths      []*Process
	Converters []*Process
	Notifiers  []*Process
}

// StartCluster runs a cluster until the test ends, and waits until it can do its work. Settings are given to every
// service.
func StartCluster(t testing.TB, shape Shape, settings ...string) *Cluster {
	t.Helper()
	return StartClusterOf(t, binary, shape, settings...)
}

// StartClusterOf is StartCluster of any build of the program.
func StartClusterOf(t testing.TB, program string, shape Shape, settings ...string) *Cluster {
	t.Helper()
	c := &Cluster{
		Database: servers.NewMariaDB(t, shape.Database...), Broker: servers.NewRabbitMQ(t, shape.Broker...), Blobs: servers.NewFerretDB(t), Mail: servers.SMTP(t),
	}
	c.DSN, c.AMQP = c.Database.Database(t), c.Broker.VirtualHost(t)
	c.launch(t, program, shape, settings)
	for _, p := range c.Processes() {
		p.Ready(t)
	}
	return c
}

// Processes is every process of ours.
func (c *Cluster) Processes() []*Process {
	var all []*Process
	for _, some := range [][]*Process{c.Auths, c.Gateways, c.Converters, c.Notifiers} {
		all = append(all, some...)
	}
	return all
}

func (c *Cluster) launch(t testing.TB, program string, shape Shape, settings []string) {
	t.Helper()
	auth := FreePort(t)
	for range max(shape.Gateways, 1) {
		c.URLs = append(c.URLs, "http://"+FreePort(t))
	}
	c.URL = c.URLs[0]
	// finds is the settings that tell a service where servers are.
	finds := func(service string, names ...string) []string {
		known := map[string]struct{ variable, url string }{
			"database": {"UNREEL_DATABASE", c.DSN}, "blobs": {"UNREEL_BLOBS", c.Blobs.URL()}, "queue": {"UNREEL_QUEUE", c.AMQP},
			"mail": {"UNREEL_MAIL", c.Mail.URL}, "auth": {"UNREEL_AUTH_URL", "http://" + auth},
		}
		var found []string
		for _, name := range names {
			found = append(found, known[name].variable+"="+shape.link(t, service, name, known[name].url))
		}
		return found
	}
	start := func(command string, count int, more func() []string) []*Process {
		var started []*Process
		for range max(count, 1) {
			process := Prepare(t, program, command, append(more(), settings...)...)
			process.Start(t)
			started = append(started, process)
		}
		return started
	}
	c.Auths = start("auth", 1, func() []string {
		return append(finds("auth", "database"), "UNREEL_AUTH_ADDR="+auth, "UNREEL_MAIL="+c.Mail.URL, "UNREEL_PUBLIC_URL="+c.URL)
	})
	public := slices.Clone(c.URLs)
	c.Gateways = start("gateway", shape.Gateways, func() []string {
		own := strings.TrimPrefix(public[0], "http://")
		public = public[1:]
		return append(finds("gateway", "database", "blobs", "queue", "auth"), "UNREEL_ADDR="+own, "UNREEL_PUBLIC_URL="+c.URL)
	})
	c.Converters = start("converter", shape.Converters, func() []string {
		return finds("converter", "database", "blobs", "queue")
	})
	c.Notifiers = start("notifier", shape.Notifiers, func() []string {
		return append(finds("notifier", "database", "queue", "mail"), "UNREEL_PUBLIC_URL="+c.URL)
	})
}

// Mails returns the mails that name an id.
func (c *Cluster) Mails(id string) []string {
	var found []string
	for _, mail := range c.Mail.Mails() {
		if strings.Contains(string(mail.Data), id) {
			found = append(found, string(mail.Data))
		}
	}
	return found
}
