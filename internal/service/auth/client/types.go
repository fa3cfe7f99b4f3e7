package client

import (
	"log/slog"
	"time"
)

// Credentials is what somebody signs up or logs in with.
type Credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// LogValue keeps passwords out of logs.
func (Credentials) LogValue() slog.Value { return slog.StringValue("(credentials)") }

// User is an account as its owner sees it.
type User struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"created_at"`
}

// Session is what a log-in gives.
type Session struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"` // Bearer
	ExpiresIn   int    `json:"expires_in"` // seconds
	// RefreshToken goes on with the session, once; empty from a service of a version that has none.
	RefreshToken string `json:"refresh_token,omitempty"`
}

// LogValue keeps tokens out of logs.
func (Session) LogValue() slog.Value { return slog.StringValue("(session)") }

// Refresh is what a session is gone on with, or ended by.
type Refresh struct {
	RefreshToken string `json:"refresh_token"`
}

// LogValue keeps tokens out of logs.
func (Refresh) LogValue() slog.Value { return slog.StringValue("(refresh token)") }

// Account is an account as its owner sees it.
type Account struct {
	User

	Admin bool `json:"admin"`
}

// AccountChange is what becomes different in an account. What is nil stays.
type AccountChange struct {
	Email           *string `json:"email,omitempty"`
	Password        *string `json:"password,omitempty"`
	CurrentPassword string  `json:"current_password"`
}

// LogValue keeps passwords out of logs.
func (AccountChange) LogValue() slog.Value { return slog.StringValue("(account change)") }

// APIKey lets programs act for an account.
type APIKey struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Hint       string     `json:"hint"` // how the key begins
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"` // nil for never
	ExpiresAt  *time.Time `json:"expires_at"`   // nil for never
}

// NewAPIKey is a key with its secret, which nobody can show again.
type NewAPIKey struct {
	APIKey

	Key string `json:"key"`
}

// LogValue keeps keys out of logs.
func (NewAPIKey) LogValue() slog.Value { return slog.StringValue("(API key)") }

// APIKeyRequest is what key is wanted.
type APIKeyRequest struct {
	Name      string `json:"name"`
	ExpiresIn *int   `json:"expires_in,omitempty"` // seconds; nil for never
}

// APIKeyList is an account's keys, newest first.
type APIKeyList struct {
	APIKeys []APIKey `json:"api_keys"`
}

// ResetRequest asks for a mail with which another password can be chosen.
type ResetRequest struct {
	Email string `json:"email"`
}

// Reset is what a mailed token is used with.
type Reset struct {
	Password string `json:"password"`
}

// LogValue keeps passwords out of logs.
func (Reset) LogValue() slog.Value { return slog.StringValue("(reset)") }
