# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts that get something from Debian.
#
# private_apt DIR deb|deb-src SUITE [ARCHITECTURE] - makes apt-get work on a state of its own in DIR: nothing in
# the system changes, root is not needed, and everything that is fetched is checked against Debian's keys. The
# mirror is the one the system uses, or $DEBIAN_MIRROR. Sets $mirror and exports APT_CONFIG.
private_apt() {
    mirror=${DEBIAN_MIRROR:-$(
        apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
        grep -v security | head -n 1)}
    mirror=${mirror:-http://deb.debian.org/debian}
    mkdir -p "$1/none" "$1/lists/partial" "$1/cache/archives/partial"
    : > "$1/status"
    echo "$2 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $3 main" > "$1/sources.list"
    cat > "$1/apt.conf" << CONF
APT::Sandbox::User "";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "$1/none";
Dir::Etc::preferences "$1/none/preferences";
Dir::Etc::preferencesparts "$1/none";
CONF
    [ -z "${4:-}" ] || cat >> "$1/apt.conf" << CONF
APT::Architecture "$4";
APT::Architectures "$4";
CONF
    export APT_CONFIG="$1/apt.conf"
}
