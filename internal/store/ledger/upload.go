package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Upload is what is known of a video before its first byte.
type Upload struct {
	ID             conversion.ID
	Owner          string
	Username       string
	Name           string
	Options        conversion.Options
	IdempotencyKey string
}

// Receive adds a conversion whose video is about to arrive. If the owner has used the idempotency key, it
// returns the conversion that has it and ErrKeyInUse; if the owner's account has ended, ErrClosed.
func (l *Ledger) Receive(ctx context.Context, upload Upload) (Record, error) {
	return l.store.Insert(ctx, func(now time.Time) Record {
		r := upload.receiving(now)
		r.hold(now, l.config.ReceiveLease)
		return r
	})
}

// receiving is the record of a conversion whose video has yet to come.
func (u Upload) receiving(now time.Time) Record {
	return Record{
		Conversion: conversion.Conversion{
			ID:        u.ID,
			Owner:     u.Owner,
			Username:  u.Username,
			Status:    conversion.Receiving,
			Video:     conversion.Video{Name: u.Name},
			Options:   u.Options,
			CreatedAt: now,
		},
		Mail:           Mail{Status: MailNone},
		IdempotencyKey: u.IdempotencyKey,
	}
}

// KeepReceiving says that bytes still arrive. ErrStale means that the upload has been given up.
func (l *Ledger) KeepReceiving(ctx context.Context, id conversion.ID) error {
	_, err := l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Status != conversion.Receiving || r.inPieces() {
			return ErrStale
		}
		r.hold(now, l.config.ReceiveLease)
		return nil
	})
	return err
}

// Accept queues a conversion whose video is durable, of the given size in bytes and SHA-256 in hex. From
// here on it is a promise. ErrStale means that the upload has been given up before.
func (l *Ledger) Accept(ctx context.Context, id conversion.ID, size int64, sha256 string) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Status != conversion.Receiving || r.inPieces() {
			return ErrStale
		}
		r.Video.Size, r.Video.SHA256 = size, sha256
		r.enqueue(now)
		return nil
	})
}

// Adopt queues a conversion whose video another program has stored, of the given size in bytes. A record that is
// there already is returned as it stands, so that a video may be offered twice.
func (l *Ledger) Adopt(ctx context.Context, upload Upload, size int64) (Record, error) {
	record, err := l.store.Insert(ctx, func(now time.Time) Record {
		r := Record{
			Conversion: conversion.Conversion{
				ID:        upload.ID,
				Owner:     upload.Owner,
				Username:  upload.Username,
				Video:     conversion.Video{Name: upload.Name, Size: size},
				Options:   upload.Options,
				CreatedAt: now,
			},
			Mail: Mail{Status: MailNone},
		}
		r.enqueue(now)
		return r
	})
	if err == nil {
		return record, nil
	}
	if known, lookup := l.store.Get(ctx, upload.ID); lookup == nil {
		return known, nil
	}
	return Record{}, err
}

// Abandon gives up an upload that broke off; what is left of it is removed after a grace time.
func (l *Ledger) Abandon(ctx context.Context, id conversion.ID) error {
	_, err := l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Status != conversion.Receiving {
			return ErrStale
		}
		l.bury(r, now)
		return nil
	})
	return err
}

func (r *Record) hold(now time.Time, lease time.Duration) {
	r.LeaseUntil = now.Add(lease)
	r.WakeDue = r.LeaseUntil
	r.Wakes = 0
}

func (r *Record) enqueue(now time.Time) {
	r.Status = conversion.Queued
	r.Progress = 0
	r.QueuedAt = now
	r.NotBefore = now
	r.letGo(now)
}

// letGo ends a claim and asks for somebody to look at the record at the given time.
func (r *Record) letGo(due time.Time) {
	r.Fence++
	r.LeaseUntil = time.Time{}
	r.WakeDue = due
	r.Wakes = 0
}

// bury turns a record into a tombstone.
func (l *Ledger) bury(r *Record, now time.Time) {
	r.Status = conversion.Deleted
	r.letGo(time.Time{})
	r.Mail.Status = MailNone
	r.IdempotencyKey = ""
	r.FilesDue = now.Add(l.config.Grace)
	if r.FinishedAt.IsZero() {
		r.FinishedAt = now
	}
}
