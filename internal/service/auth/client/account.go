package client

import (
	"context"
	"net/http"
	"net/url"
)

// The account that these methods are about is that of an Authorization header with an access token; Me takes an API key
// as well.

// Me returns the account.
func (c *Client) Me(ctx context.Context, from, authorization string) (Account, error) {
	var account Account
	err := c.ask(ctx, question{method: http.MethodGet, path: "/me", from: from, authorization: authorization}, &account)
	return account, err
}

// ChangeMe changes the account and returns it.
func (c *Client) ChangeMe(ctx context.Context, from, authorization string, change AccountChange) (Account, error) {
	var account Account
	err := c.ask(ctx, question{method: http.MethodPatch, path: "/me", from: from, authorization: authorization, body: change}, &account)
	return account, err
}

// DeleteMe removes the account, its sessions and its API keys.
func (c *Client) DeleteMe(ctx context.Context, from, authorization string) error {
	return c.ask(ctx, question{method: http.MethodDelete, path: "/me", from: from, authorization: authorization}, nil)
}

// AskForReset has a link for another password mailed to an address, if that has an account.
func (c *Client) AskForReset(ctx context.Context, from string, request ResetRequest) error {
	return c.ask(ctx, question{method: http.MethodPost, path: "/password-resets", from: from, body: request}, nil)
}

// Reset gives the account of a mailed token another password.
func (c *Client) Reset(ctx context.Context, from, mailed string, reset Reset) error {
	return c.ask(ctx, question{method: http.MethodPost, path: "/password-resets/" + url.PathEscape(mailed), from: from, body: reset}, nil)
}

// Verify confirms the address that a token was mailed to.
func (c *Client) Verify(ctx context.Context, from, mailed string) error {
	return c.ask(ctx, question{method: http.MethodPost, path: "/verifications/" + url.PathEscape(mailed), from: from}, nil)
}
