package dataset_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadgen/internal/golden"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)
