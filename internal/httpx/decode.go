package httpx

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
)

// maxJSON is the largest JSON body that is read, in bytes.
const maxJSON = 64 << 10

// DecodeJSON reads a JSON body into a value, or answers with what is wrong with it and returns false.
func DecodeJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		WriteProblem(w, r, NewProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "The body is of the wrong kind",
			"Send JSON, with the header Content-Type: application/json."))
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSON))
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("there is more than one value")
	}
	WriteProblem(w, r, decodeProblem(err))
	return false
}

func decodeProblem(err error) Problem {
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return NewProblem(http.StatusRequestEntityTooLarge, "too-large", "The body is too large", "A JSON body has at most 64 KiB.")
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return Invalid(wrongType.Field, "must be "+jsonKind(wrongType.Type))
	default:
		return NewProblem(http.StatusBadRequest, "malformed", "The body cannot be read", "The body is not valid JSON: send one JSON object.")
	}
}

// jsonKind says in JSON's words what is read into a Go type.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a whole number that is not too large"
	}
}
