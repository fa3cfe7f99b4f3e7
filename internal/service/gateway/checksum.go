package gateway

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // against mistakes on the line, not against people
	"crypto/sha1" //nolint:gosec // what clients of tus expect
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"

	"github.com/unreel/unreel/internal/conversion"
)

// checksumNames is what Upload-Checksum may be of.
const checksumNames = "sha1,sha256,md5"

var checksums = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "md5": md5.New}

// checksum is what the bytes of one request have to be.
type checksum struct {
	hash.Hash

	want []byte
}

// parseChecksum reads an Upload-Checksum; nil if there is none.
func parseChecksum(header *string) (*checksum, error) {
	if header == nil {
		return nil, nil //nolint:nilnil // a request may have none
	}
	name, encoded, _ := strings.Cut(*header, " ")
	algorithm, known := checksums[name]
	if !known {
		return nil, &conversion.OptionError{Field: "Upload-Checksum", Detail: "must be of one of " + checksumNames}
	}
	sum := &checksum{Hash: algorithm()}
	var err error
	if sum.want, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(sum.want) != sum.Size() {
		return nil, &conversion.OptionError{Field: "Upload-Checksum", Detail: "must have a space and the whole checksum in base64 behind " + name}
	}
	return sum, nil
}

func (c *checksum) matches() bool { return bytes.Equal(c.Sum(nil), c.want) }
