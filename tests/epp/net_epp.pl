#!/usr/bin/perl
# Sends frames with Net::EPP, and prints the greeting and every answer, one a line in base64.
#
# Usage: net_epp.pl SECONDS PORT AUTHORITY.pem CLIENT.pem FRAME.xml...
use strict;
use warnings;

use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use Net::EPP::Client;

my ($seconds, $port, $authority, $client, @frames) = @ARGV;
local $SIG{ALRM} = sub { die "no answer within $seconds seconds\n" };
alarm $seconds;

my $epp = Net::EPP::Client->new(host => '127.0.0.1', port => $port, ssl => 1);
local $@ = ''; # Net::EPP takes an error that is left from loading it for one of the connection
my $greeting = $epp->connect(
    SSL_ca_file     => $authority,
    SSL_cert_file   => $client,
    SSL_key_file    => $client,
    SSL_verify_mode => SSL_VERIFY_PEER,
);
print encode_base64($_, ''), "\n" for $greeting, map { $epp->request($_) } @frames;
$epp->disconnect;
