package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	// mailEvery is how often letters are looked for that another process has added, or that could not be sent.
	mailEvery = 10 * time.Second
	// mailLease is how long one process has for a letter before another tries; sending it takes less.
	mailLease = 2 * time.Minute
	// mailTime is how long one try may take.
	mailTime = time.Minute
	// mailPatience is how long a letter is tried. Who has waited that long asks again.
	mailPatience = time.Hour
)

// Run sends mails until the context ends. It is for one goroutine; a service without a mail server has nothing to run.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(mailEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.posted:
		case <-ticker.C:
		}
		if err := s.sendDue(ctx); err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "mails not sent, will be tried again", "error", err)
		}
	}
}

// post has a letter written and sent, whoever there is to get it.
func (s *Service) post(ctx context.Context, purpose users.Purpose, userID, address string) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	letter := users.Letter{ID: string(conversion.NewID(now)), Purpose: purpose, UserID: userID, Address: address, CreatedAt: now}
	if err := s.store.AddLetter(ctx, letter); err != nil {
		return fmt.Errorf("ask for a mail: %w", err)
	}
	select {
	case s.posted <- struct{}{}:
	default: // it is awake already
	}
	return nil
}

func (s *Service) sendDue(ctx context.Context) error {
	if _, err := s.store.CollectMailTokens(ctx, time.Now().UTC(), collected); err != nil {
		return err
	}
	for {
		now := time.Now().UTC()
		due, err := s.store.ClaimLetters(ctx, now, now.Add(mailLease), 1) // the lease is for this one alone
		if err != nil || len(due) == 0 {
			return err
		}
		if err := s.deliver(ctx, due[0]); err != nil {
			return err
		}
	}
}

// deliver sends a letter, or finds that nobody is to get it. What may come of another try is left for that.
func (s *Service) deliver(ctx context.Context, letter users.Letter) error {
	user, err := s.recipient(ctx, letter)
	if errors.Is(err, users.ErrNotFound) {
		return s.store.RemoveLetter(ctx, letter.ID)
	}
	if err != nil {
		return err
	}
	logger := s.logger.With("user", user.ID, "purpose", letter.Purpose, "letter", letter.ID)
	err = s.send(ctx, letter, user)
	patience := mailPatience
	if errors.Is(err, mail.ErrUnknown) {
		patience = mailLease // it may have arrived: one more try, as for the notifier's mails
	}
	switch {
	case err == nil:
		logger.InfoContext(ctx, "mail sent")
	case errors.Is(err, mail.ErrRefused), time.Since(letter.CreatedAt) > patience:
		logger.ErrorContext(ctx, "mail given up", "error", err)
	default:
		logger.WarnContext(ctx, "mail not sent, will be tried again", "error", err)
		return nil
	}
	return s.store.RemoveLetter(context.WithoutCancel(ctx), letter.ID)
}

// recipient returns the account that a letter is for, or users.ErrNotFound if there is none, or no need any more.
func (s *Service) recipient(ctx context.Context, letter users.Letter) (users.User, error) {
	var user users.User
	var err error
	if letter.UserID != "" {
		user, err = s.store.ByID(ctx, letter.UserID)
	} else {
		user, err = s.store.ByEmail(ctx, letter.Address)
	}
	if err == nil && letter.Purpose == users.VerifyAddress && (user.Verified || user.Email != letter.Address) {
		err = users.ErrNotFound
	}
	return user, err
}

// send makes a token and mails it. One whose mail is lost expires.
func (s *Service) send(ctx context.Context, letter users.Letter, user users.User) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	text := base64.RawURLEncoding.EncodeToString(secret)
	until := time.Now().UTC().Truncate(time.Microsecond).Add(wordsFor[letter.Purpose].life)
	message, err := compose(letter, strings.TrimSuffix(s.config.PublicURL, "/"), text, until)
	if err != nil {
		return err
	}
	token := users.MailToken{
		Hash: sha256.Sum256([]byte(text)), Purpose: letter.Purpose, UserID: user.ID, Address: letter.Address, ExpiresAt: until,
	}
	if err := s.store.AddMailToken(ctx, token); err != nil {
		return err
	}
	return s.mail.Send(ctx, message)
}
