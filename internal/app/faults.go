//go:build faults

package app

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/unreel/unreel/internal/app/faults"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/rabbitmq"
	"github.com/unreel/unreel/internal/service/collector"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
)

// withFaults ends this process where UNREEL_CRASH says, a faults.Point, makes the mistake that UNREEL_MUTANT names, and
// lets the time that a test would have to wait pass quickly. No operator ever sets these variables: they are not among
// the settings.
func withFaults[T any](given T) T {
	point, err := faults.Parse(os.Getenv("UNREEL_CRASH"))
	if err != nil {
		panic(fmt.Sprintf("UNREEL_CRASH: %v", err))
	}
	mutant, err := faults.ParseMutant(os.Getenv("UNREEL_MUTANT"))
	if err != nil {
		panic(fmt.Sprintf("UNREEL_MUTANT: %v", err))
	}
	trap := faults.New(point, func() { crash(point) })
	switch target := any(&given).(type) {
	case *ledger.Store:
		*target = trap.Ledger(mutant.Ledger(*target))
	case *blob.Store:
		*target = trap.Blobs(mutant.Blobs(*target))
	case *queue.Queue:
		*target = trap.Queue(*target)
	case *mail.Sender:
		*target = trap.Mail(*target)
	case *users.Store:
		*target = trap.Users(*target)
	case *ledger.Config:
		target.Lease, target.ReceiveLease, target.MailLease = 6*time.Second, 6*time.Second, 10*time.Second
		target.PieceLease, target.UploadLife = 2*time.Second, 10*time.Second
		target.Grace, target.TombstoneLife = 300*time.Millisecond, 300*time.Millisecond
	case *rabbitmq.Config:
		target.AckAfter = 4 * time.Second
	case *collector.Config:
		*target = collector.Config{Interval: 300 * time.Millisecond, OrphanInterval: time.Second, OrphanAge: 2 * time.Second}
	default:
		panic(fmt.Sprintf("%T has no crash points", given))
	}
	return given
}

// crash ends the process as a power cut would.
func crash(at faults.Point) {
	fmt.Fprintln(os.Stderr, "crash point", at)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it does
}
