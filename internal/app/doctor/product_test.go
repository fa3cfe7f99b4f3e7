package doctor

import "testing"

func TestProductOf(t *testing.T) {
	for version, want := range map[string]struct {
		product string
		good    bool
	}{
		"8.0.36":                        {"MySQL 8.0.36", true},
		"9.1.0":                         {"MySQL 9.1.0", true},
		"5.7.44-log":                    {"MySQL 5.7.44-log", false},
		"10.11.6-MariaDB-0+deb12u1":     {"MariaDB 10.11.6-MariaDB-0+deb12u1", true},
		"11.4.2-MariaDB":                {"MariaDB 11.4.2-MariaDB", true},
		"5.5.5-10.6.18-MariaDB-ubu2204": {"MariaDB 5.5.5-10.6.18-MariaDB-ubu2204", true},
		"10.5.26-MariaDB":               {"MariaDB 10.5.26-MariaDB", false},
		"something else":                {"MySQL something else", false},
	} {
		if product, good := productOf(version); product != want.product || good != want.good {
			t.Errorf("%s: %s, %v", version, product, good)
		}
	}
}
