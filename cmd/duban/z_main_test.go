package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	prepareTests()
	os.Exit(m.Run())
}
