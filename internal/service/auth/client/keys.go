package client

import (
	"context"
	"fmt"
	"net/http"
)

// Keys returns the auth service's public keys as it publishes them, a JSON Web Key Set (RFC 7517).
func (c *Client) Keys(ctx context.Context) ([]byte, error) {
	return c.do(ctx, func(ctx context.Context) (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/.well-known/jwks.json", http.NoBody)
		if err != nil {
			return nil, fmt.Errorf("ask auth: %w", err)
		}
		return request, nil
	})
}
