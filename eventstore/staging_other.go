//go:build !linux

package eventstore

// memoryFolder returns "": only Linux has a folder in memory everywhere.
func memoryFolder(string) string { return "" }
