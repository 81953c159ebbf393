// Package standin holds the tests of the modules in this directory, which go.mod puts in the
// place of others: README.md says why.
package standin
