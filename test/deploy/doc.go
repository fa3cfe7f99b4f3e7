// Package deploy holds what is in the folder deploy to what it promises. It is a module of its own, because the types
// of Kubernetes, Kustomize and Compose weigh more than the product and are no part of it.
package deploy
