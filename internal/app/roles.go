package app

// roles is which services a process runs.
type roles uint8

const (
	roleGateway roles = 1 << iota
	roleAuth
	roleConverter
	roleNotifier

	allRoles = roleGateway | roleAuth | roleConverter | roleNotifier
)

// services are the roles by the names of the commands that start them.
var services = map[string]roles{
	"all": allRoles, "gateway": roleGateway, "auth": roleAuth, "converter": roleConverter, "notifier": roleNotifier,
}

// String is the command that starts these roles.
func (r roles) String() string {
	for command, as := range services {
		if as == r {
			return command
		}
	}
	return "all"
}

func (r roles) has(role roles) bool { return r&role != 0 }

// answers tells whether the process is there for clients that wait, and nothing of what it does for longer is lost by
// giving up soon: a converter had better wait.
func (r roles) answers() bool { return r.has(roleGateway|roleAuth) && !r.has(roleConverter) }

// needLedger tells whether the process works with conversions: all but auth do.
func (r roles) needLedger() bool { return r != roleAuth }

func (r roles) needBlobs() bool { return r.has(roleGateway | roleConverter) }

func (r roles) needQueue() bool { return r.needLedger() }
