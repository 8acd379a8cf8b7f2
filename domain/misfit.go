package domain

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// Misfit returns the refusal of fields that DecodeStrict could not make a payload
// of: it names the first one, in the order of the alphabet, that does not fit by
// itself. under stands before its name: "changes." for a field of a correction.
func Misfit(rule, under string, prototype Payload, fields map[string]json.RawMessage) *Refusal {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err == nil {
			_, err = DecodeStrict(prototype, one)
		}
		if err != nil {
			zh, en := misfitWords(prototype, one, err)
			return Invalid(rule, under+name, under+name+" "+zh, under+name+": "+en)
		}
	}
	return Invalid(rule, "", "内容与命令不符", "the fields don't fit the command")
}

func misfitWords(prototype Payload, one []byte, err error) (zh, en string) {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return "类型不对或超出范围（收到 " + wrongType.Value + "）", "the type is wrong or the value out of range (received " + wrongType.Value + ")"
	}
	if json.Unmarshal(one, NewPayload(prototype)) == nil {
		return "不是这里的字段，或其中有不认识的字段", "there is no such field here, or one inside it is not known"
	}
	// Our own types say what they want in both languages.
	if zh, en := Halves(err.Error()); zh != en {
		return zh, en
	}
	return "不合要求", err.Error()
}
