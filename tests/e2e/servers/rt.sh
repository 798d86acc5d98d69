#!/usr/bin/env bash
# A private Request Tracker 5 (Debian package) on SQLite.
#   rt.sh start DATADIR PORT    writes DATADIR/conn.env (addresses, tokens); running already is fine
#   rt.sh stop DATADIR
#   rt.sh install DATADIR       installs what it needs and starts nothing; the log is DATADIR/log/apt.log
# All notification scrips stay on, so that history holds the EmailRecord rows a real desk has; the mails go to DATADIR/mails.
# BcryptCost is 4 (RT hashes the token on every request; the default 12 costs 0.26 s each).
set -euo pipefail
. "$(dirname "$0")/common.sh"
usage() { echo "usage: $0 start DATADIR PORT | stop DATADIR | install DATADIR" >&2; exit 2; }
[ $# -ge 2 ] || usage
mkdir -p "$2"; D=$(cd "$2" && pwd)
case $1 in
  stop) halt "$D" rt-server; exit 0 ;;
  start) [ $# -eq 3 ] || usage; PORT=$3 ;;
  install) ;;
  *) usage ;;
esac
LIB=/usr/share/request-tracker5; SERVER=$LIB/libexec/rt-server

mkdir -p "$D"/{mason,session,var,log}
# dbconfig-no-thanks: no system database; msmtp-mta: the smallest MTA that satisfies the dependency
install "$D/log/apt.log" request-tracker5 rt5-db-sqlite rt5-standalone dbconfig-no-thanks msmtp-mta curl
[ "$1" = install ] && exit 0
alive "$D" rt-server && exit 0

sink "$D"
[ -s "$D/rootpw" ] || (umask 077; echo "Root-$(secret 8)" >"$D/rootpw")
ROOTPW=$(cat "$D/rootpw")
cat >"$D/RT_SiteConfig.pm" <<CONF
use utf8;
Set(\$rtname, 'rt.test');
Set(\$Organization, 'rt.test');
Set(\$Timezone, 'UTC');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $PORT);
Set(\$WebBaseURL, 'http://127.0.0.1:$PORT');
Set(\$WebPath, '');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$D/rt.sqlite3');
Set(\$MailCommand, 'sendmailpipe');
Set(\$SendmailPath, '$D/sendmail');
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, 'warning');
Set(\$BcryptCost, 4);
Set(%GnuPG, Enable => 0);
Set(%SMIME, Enable => 0);
Set(\$MaxAttachmentSize, 50*1024*1024);
\$RT::VarPath = '$D/var';
\$RT::MasonDataDir = '$D/mason';
\$RT::MasonSessionDir = '$D/session';
1;
CONF
export RT_SITE_CONFIG=$D/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=/nonexistent LC_ALL=C.UTF-8

if [ ! -e "$D/.ready" ]; then
  rm -f "$D"/rt.sqlite3*
  rt-setup-database-5 --action init --skip-create --root-password-file "$D/rootpw" >"$D/log/init.log" 2>&1 </dev/null ||
    { tail -20 "$D/log/init.log" >&2; exit 1; }
  perl -MDBI -e 'DBI->connect("dbi:SQLite:dbname=$ARGV[0]", "", "", {RaiseError => 1})->do("PRAGMA journal_mode=WAL")' "$D/rt.sqlite3"
  perl -I$LIB/lib - >"$D/bootstrap.out" 2>"$D/log/bootstrap.log" <<'PERL' || { cat "$D/log/bootstrap.log" >&2; exit 1; }
use strict; use warnings; use utf8; use RT -init; binmode STDOUT, ':utf8';
sub ok { my ($what,$id,$msg)=@_; die "$what: $msg\n" unless $id; $id }
my $root = RT::CurrentUser->new('root');
sub group { my $g=RT::Group->new($root); $g->LoadSystemInternalGroup($_[0]); $g }
group('Everyone')->PrincipalObj->GrantRight(Right=>$_, Object=>$RT::System) for qw(CreateTicket ReplyToTicket);
group('Privileged')->PrincipalObj->GrantRight(Right=>$_, Object=>$RT::System) for
  qw(OwnTicket TakeTicket ShowTicket ModifyTicket DeleteTicket CreateTicket SeeQueue ShowTicketComments ReplyToTicket CommentOnTicket
     SeeCustomField ModifyCustomField WatchAsAdminCc Watch ManageAuthTokens);
for ([Support=>'Support desk','support@rt.test'],[Billing=>'Invoices and refunds','billing@rt.test']) {
  my $q=RT::Queue->new($root);
  ok(queue => $q->Create(Name=>$_->[0],Description=>$_->[1],CorrespondAddress=>$_->[2],CommentAddress=>"c-$_->[2]"));
}
my $token = sub { my ($name)=@_; my $cu=RT::CurrentUser->new($name); my $t=RT::AuthToken->new($root);
  my ($id,$msg,$s)=$t->Create(Owner=>$cu->Id,Description=>'e2e'); ok(token=>$id,$msg); $s };
print "RT_TOKEN=", $token->('root'), "\n";
# walkin is a person without an e-mail address
for (['agent1','Agent One','agent1@rt.test'],['agent2','Ægir Ünïcode','agent2@rt.test'],
     ['agent3','Ирина Иванова','agent3@rt.test'],['walkin','Walk-in Customer','']) {
  my ($name,$real,$mail)=@$_;
  my $u=RT::User->new($root);
  ok(user => $u->Create(Name=>$name,RealName=>$real,($mail ? (EmailAddress=>$mail) : ()),Password=>'Agent-Passw0rd',Privileged=>1));
  print "RT_TOKEN_\U$name\E=", $token->($name), "\n";
}
# REST 5.0.3 can create a custom field and its values but cannot apply it to a queue, so it is done here.
for (['Order Number','FreeformSingle'], ['Serial Numbers','FreeformMultiple'], ['Seats','FreeformSingle'], ['Weight','FreeformSingle'],
     ['Severity','SelectSingle',qw(Low Medium High)], ['Products','SelectMultiple','Alpha','Beta','Gämma'],
     ['Details','TextSingle'], ['Runbook','WikitextSingle'], ['Memo','HTMLSingle'],
     ['Purchase Date','DateSingle'], ['Callback At','DateTimeSingle'],
     ['Region','AutocompleteSingle','North','South','Überall'], ['Keywords','AutocompleteMultiple',qw(network printer login)],
     ['Channel','ComboboxSingle',qw(Phone Counter)], ['Host','IPAddressSingle'], ['Network','IPAddressRangeSingle'], ['Deskferry','FreeformSingle']) {
  my ($name,$type,@values)=@$_;
  my $cf=RT::CustomField->new($root);
  ok($name => $cf->Create(Name=>$name,Type=>$type,LookupType=>'RT::Queue-RT::Ticket'));
  my $n=0; for my $v (@values) { ok($v => $cf->AddValue(Name=>$v,SortOrder=>++$n)) }
  ok("apply $name" => $cf->AddToObject(RT::Queue->new($root)));     # id-less object = globally
}
PERL
  touch "$D/.ready"
fi

launch "$D" rt-server "http://127.0.0.1:$PORT/REST/2.0/rt" "root:$ROOTPW" \
  "$SERVER" --host 127.0.0.1 --port "$PORT" --max-workers "${RT_WORKERS:-4}"
( umask 077
  { echo "RT_BASE_URL=http://127.0.0.1:$PORT"; echo "RT_API_URL=http://127.0.0.1:$PORT/REST/2.0"
    echo "RT_MAILGATE_URL=http://127.0.0.1:$PORT/REST/1.0/NoAuth/mail-gateway"
    cat "$D/bootstrap.out"; echo "RT_USER=root"; echo "RT_PASSWORD=$ROOTPW"
    echo "RT_DB=$D/rt.sqlite3"; echo "RT_MAILS=$D/mails"; } >"$D/conn.env" )
