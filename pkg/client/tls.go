package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS says whom to trust and who to be.
type TLS struct {
	// CAFile holds certificates, PEM, that are trusted besides the system's.
	CAFile string
	// CertFile and KeyFile are the client's own certificate and key, PEM.
	CertFile, KeyFile string
	// Insecure trusts any certificate.
	Insecure bool
}

// Check returns what is wrong with the files, a *Problem.
func (o TLS) Check() error {
	_, err := o.config()
	return err
}

// config is the configuration of TLS, nil for the system's.
func (o TLS) config() (*tls.Config, error) {
	if o == (TLS{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, &Problem{Code: "ca_cert", Err: fmt.Errorf("cannot read the certificates to trust: %w", err)}
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &Problem{Code: "ca_cert", Err: fmt.Errorf("%s holds no PEM certificate", o.CAFile)}
		}
	}
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		return nil, &Problem{Code: "client_cert", Err: fmt.Errorf("a client's key needs its certificate, and %s comes without one", o.KeyFile)}
	case o.CertFile != "":
		key := o.KeyFile
		if key == "" {
			key = o.CertFile // both may be in one file
		}
		pair, err := tls.LoadX509KeyPair(o.CertFile, key)
		if err != nil {
			return nil, &Problem{Code: "client_cert", Err: fmt.Errorf("cannot read the client's certificate and key: %w", err)}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Problem is an error of the client's settings or of a control request, with a code
// that says what could mend it.
type Problem struct {
	// Code is the setting at fault: "timestamps", "transport", "body_patch", "ca_cert",
	// "client_cert"; or "no_server", "no_model", "not_ready".
	Code string
	// Status is that of the answer which is the problem, 0 for none.
	Status int
	Err    error
}

func (p *Problem) Error() string { return p.Err.Error() }

// Unwrap returns the error beneath.
func (p *Problem) Unwrap() error { return p.Err }
