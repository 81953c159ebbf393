// Package yamlcheck looks at YAML before it is decoded.
package yamlcheck

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// KeysMost is how many keys a table may have. The decoder compares each with each other, so
// that a file of some megabytes would keep it busy for minutes.
const KeysMost = 10000

// Tables reports a table with too many keys. Text that is not YAML is left to the decoder.
func Tables(text []byte) error {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return nil
	}
	return tables(&document)
}

func tables(n *yaml.Node) error {
	if keys := len(n.Content) / 2; n.Kind == yaml.MappingNode && keys > KeysMost {
		return fmt.Errorf("line %d: a table of %d keys; at most %d are read", n.Line, keys, KeysMost)
	}
	for _, inner := range n.Content {
		if err := tables(inner); err != nil {
			return err
		}
	}
	return nil
}
