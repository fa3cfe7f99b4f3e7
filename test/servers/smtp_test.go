package servers_test

import (
	"errors"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/test/servers"
)

const letter = "Subject: hello\r\n\r\nIt is ready.\r\n"

func TestSMTPKeepsMails(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreAnyFunction(servers.Watcher), goleak.IgnoreCurrent())
	t.Run("inner", func(t *testing.T) {
		sink := servers.SMTP(t)
		if err := send(sink); err != nil {
			t.Fatal(err)
		}
		mails := sink.Mails()
		if len(mails) != 1 || mails[0].From != "unreel@localhost" || mails[0].To[0] != "ada@example.com" ||
			string(mails[0].Data) != letter {
			t.Errorf("got %q", mails)
		}
	})
}

func TestSMTPRefusesWhatItIsTold(t *testing.T) {
	sink := servers.SMTP(t)
	for _, test := range []struct {
		stage servers.Stage
		code  int
	}{{servers.From, 421}, {servers.To, 550}, {servers.Data, 451}} {
		sink.Answer(func(stage servers.Stage, _ servers.Mail) error {
			if stage == test.stage {
				return servers.Refuse(test.code, "not now")
			}
			return nil
		})
		failure, ok := errors.AsType[*textproto.Error](send(sink))
		if !ok || failure.Code != test.code {
			t.Errorf("at %s: got %v, want %d", test.stage, failure, test.code)
		}
	}
	if mails := sink.Mails(); len(mails) > 0 {
		t.Errorf("took %q", mails)
	}
	sink.Answer(nil)
	if err := send(sink); err != nil {
		t.Error(err)
	}
}

func send(sink *servers.SMTPServer) error {
	return smtp.SendMail(strings.TrimPrefix(sink.URL, "smtp+insecure://"), nil,
		"unreel@localhost", []string{"ada@example.com"}, []byte(letter))
}
