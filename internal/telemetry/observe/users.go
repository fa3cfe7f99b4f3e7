package observe

import (
	"context"

	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/telemetry"
)

// Users watches a store of accounts.
func Users(kept users.Store, by *telemetry.Telemetry) users.Store {
	return usersStore{kept, eye{by, "database"}}
}

type usersStore struct {
	users.Store
	eye eye
}

// Create implements users.Store.
func (s usersStore) Create(ctx context.Context, user users.User) error {
	ctx, end := s.eye.look(ctx, "users.create", "")
	err := s.Store.Create(ctx, user)
	end(err)
	return err
}

// ByID implements users.Store.
func (s usersStore) ByID(ctx context.Context, id string) (users.User, error) {
	ctx, end := s.eye.look(ctx, "users.get", "")
	user, err := s.Store.ByID(ctx, id)
	end(err)
	return user, err
}

// ByEmail implements users.Store.
func (s usersStore) ByEmail(ctx context.Context, email string) (users.User, error) {
	ctx, end := s.eye.look(ctx, "users.get", "")
	user, err := s.Store.ByEmail(ctx, email)
	end(err)
	return user, err
}

// Keys implements users.Store.
func (s usersStore) Keys(ctx context.Context, offer users.Key) ([]users.Key, error) {
	ctx, end := s.eye.look(ctx, "users.keys", "")
	keys, err := s.Store.Keys(ctx, offer)
	end(err)
	return keys, err
}
