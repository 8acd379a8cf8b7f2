package domain

import "strings"

// between stands between the Chinese and the English of every text for people.
const between = " / "

// Halves returns the Chinese and the English of a text in both languages. A text in
// one is both halves.
func Halves(text string) (zh, en string) {
	zh, en, ok := strings.Cut(text, between)
	if !ok {
		return text, text
	}
	return zh, en
}

// Both adds to each half of a text what there is to say in its language.
func Both(text, zh, en string) string {
	zhHead, enHead := Halves(text)
	return zhHead + "：" + zh + between + enHead + ": " + en
}
