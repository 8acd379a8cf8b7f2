package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// namedFiles returns the digests of the files that an event names: the member
// "sha256" of any object in it. The ledger's own events name events by their
// digest, not files.
func namedFiles(eventType string, raw []byte) []string {
	if !bytes.Contains(raw, []byte(`"sha256"`)) || strings.HasPrefix(eventType, "duban.ledger.") {
		return nil
	}
	var found []string
	collectDigests(raw, &found)
	return found
}

func collectDigests(data []byte, found *[]string) {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return
	}
	switch data[0] {
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(data, &list) == nil {
			for _, item := range list {
				collectDigests(item, found)
			}
		}
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) != nil {
			return
		}
		var sum string
		if json.Unmarshal(object["sha256"], &sum) == nil && isDigest(sum) {
			*found = append(*found, sum)
		}
		for _, member := range object {
			collectDigests(member, found)
		}
	}
}

func isDigest(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == s
}

func plainHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
