package domain

import "testing"

func TestBoth(t *testing.T) {
	if got := Both("账本缺少事件 / the ledger has lost an event", "序号 7", "sequence 7"); got != "账本缺少事件：序号 7 / the ledger has lost an event: sequence 7" {
		t.Error(got)
	}
	for text, want := range map[string][2]string{"甲 / a": {"甲", "a"}, "甲 / a / b": {"甲", "a / b"}, "plain": {"plain", "plain"}} {
		if zh, en := Halves(text); zh != want[0] || en != want[1] {
			t.Errorf("%s: %q, %q", text, zh, en)
		}
	}
}
