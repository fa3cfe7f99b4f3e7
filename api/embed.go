// Package api is the published form of what Unreel speaks over HTTP. openapi.yaml is written by hand;
// the models and routes that the gateway fills, the client and the page to read are generated from it,
// so that none of them can say something else.
package api

import _ "embed"

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config server.cfg.yaml openapi.yaml

// Spec is openapi.yaml, as GET /openapi.yaml serves it.
//
//go:embed openapi.yaml
var Spec []byte
