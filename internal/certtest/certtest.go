// Package certtest makes certificates for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates. Its own is in the file ca.pem.
type Authority struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

// New makes an authority whose files are in a directory of the test's.
func New(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir()}
	a.Cert, a.key = a.sign(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// File is the path of a file of the authority's: NAME.pem or NAME.key of what it signed.
func (a *Authority) File(name string) string { return filepath.Join(a.dir, name) }

// Sign makes a certificate, valid for an hour unless the template says otherwise, and
// writes it and its key to NAME.pem and NAME.key.
func (a *Authority) Sign(t *testing.T, name string, template *x509.Certificate) tls.Certificate {
	t.Helper()
	a.sign(t, name, template)
	pair, err := tls.LoadX509KeyPair(a.File(name+".pem"), a.File(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// Trust is the configuration of a client that trusts the authority alone and has the
// certificates.
func (a *Authority) Trust(certificates ...tls.Certificate) *tls.Config {
	trusted := x509.NewCertPool()
	trusted.AddCert(a.Cert)
	return &tls.Config{RootCAs: trusted, Certificates: certificates}
}

func (a *Authority) sign(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.Cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(a.File(name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
