#!/usr/bin/env bash
# A private Redmine 5.0 (Debian package) on SQLite with puma.
#   redmine.sh start DATADIR PORT    writes DATADIR/conn.env (address, keys); running already is fine
#   redmine.sh stop DATADIR
#   redmine.sh install DATADIR       installs what it needs and starts nothing; the log is DATADIR/log/apt.log
# env: REDMINE_TEXT=textile|markdown (default textile), read at the first start of a DATADIR.
# No event notifies anybody (the admin's duty before a move); what Redmine mails all the same goes to DATADIR/mails.
# Four threads on SQLite: parallel writers may be answered 500 "database is locked", as on a real small server.
set -euo pipefail
. "$(dirname "$0")/common.sh"
usage() { echo "usage: $0 start DATADIR PORT | stop DATADIR | install DATADIR" >&2; exit 2; }
[ $# -ge 2 ] || usage
mkdir -p "$2"; D=$(cd "$2" && pwd)
# Debian's multi-instance switch is a directory name under /var/lib/redmine; point one at DATADIR.
export REDMINE_INSTANCE=e2e-$(printf %s "$D" | md5sum | cut -c1-12)
case $1 in
  stop) halt "$D" puma; rm -f "/var/lib/redmine/$REDMINE_INSTANCE"; exit 0 ;;
  start) [ $# -eq 3 ] || usage; PORT=$3 ;;
  install) ;;
  *) usage ;;
esac

# With ruby3.1's security update, Debian's bundler wants a gems/NAME-VERSION directory beside every gemspec, and redmine
# fails to configure ("Could not find racc-1.6.2.gem for installation") until there is one.
mend() {
  local spec dir
  for spec in /usr/share/rubygems-integration/*/specifications/*.gemspec /usr/lib/*/rubygems-integration/*/specifications/*.gemspec; do
    [ -e "$spec" ] || continue
    dir=${spec%/specifications/*}/gems/$(basename "$spec" .gemspec)
    [ -e "$dir" ] || mkdir -p "$dir"
  done
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a && apt-get install -y -f --no-install-recommends
}
mkdir -p "$D"/{config,log,files,tmp,public/plugin_assets}
# redmine and dbconfig-no-thanks must come in one command, else redmine sets up a database of its own
install "$D/log/apt.log" redmine redmine-sqlite puma dbconfig-no-thanks curl
[ "$1" = install ] && exit 0
alive "$D" puma && exit 0

ln -sfnT "$D" "/var/lib/redmine/$REDMINE_INSTANCE"
sink "$D"
[ -s "$D/config/secret_key.txt" ] || secret 32 >"$D/config/secret_key.txt"
[ -s "$D/adminpw" ] || (umask 077; echo "Admin-$(secret 8)" >"$D/adminpw")
# Ruby's SQLite waits for a lock without letting the other threads run: who waits for one of them waits in vain, and the whole
# server with them. So not for long.
cat >"$D/config/database.yml" <<CONF
production:
  adapter: sqlite3
  database: $D/redmine.sqlite3
  timeout: 1000
CONF
cat >"$D/config/configuration.yml" <<CONF
default:
  email_delivery:
    delivery_method: :sendmail
    sendmail_settings:
      location: "$D/sendmail"
      arguments: "-i"
CONF
cat >"$D/Gemfile" <<'CONF'
eval_gemfile '/usr/share/redmine/Gemfile'
gem 'puma'
CONF
export BUNDLE_GEMFILE=$D/Gemfile RAILS_ENV=production SCHEMA=/dev/null REDMINE_LANG=en LC_ALL=C.UTF-8 BUNDLE_SILENCE_ROOT_WARNING=1
cd /usr/share/redmine

if [ ! -e "$D/.ready" ]; then
  rm -f "$D"/redmine.sqlite3*
  # one after the other: in one rake, the fresh columns are not seen and the default data is half loaded
  { bundle exec rake db:migrate && bundle exec rake redmine:load_default_data; } >"$D/log/init.log" 2>&1 </dev/null || { tail -20 "$D/log/init.log" >&2; exit 1; }
  ADMINPW=$(cat "$D/adminpw") TEXT=${REDMINE_TEXT:-textile} bundle exec ruby bin/rails runner - >"$D/bootstrap.out" 2>"$D/log/bootstrap.log" <<'RUBY' || { tail -20 "$D/log/bootstrap.log" >&2; exit 1; }
Setting.rest_api_enabled = '1'
Setting.attachment_max_size = '51200'
Setting.notified_events = []
Setting.default_language = 'en'
Setting.mail_from = 'redmine@redmine.test'
Setting.text_formatting = ENV['TEXT']
admin = User.find_by_login('admin')
admin.password = admin.password_confirmation = ENV['ADMINPW']; admin.must_change_passwd = false; admin.save!
puts "REDMINE_API_KEY=#{admin.api_key}"
mk = lambda { |login, first, last|
  u = User.new(:firstname => first, :lastname => last, :mail => "#{login}@rt.test", :language => 'en', :mail_notification => 'none')
  u.login = login; u.password = u.password_confirmation = 'Agent-Passw0rd'; u.save!; u }
manager = Role.find_by_name('Manager')
# may write notes, may not set them private: asked for a private one, Redmine stores a public one
helper = Role.new(:name => 'Helper', :assignable => true, :issues_visibility => 'all')
helper.permissions = [:view_issues, :add_issues, :edit_issues, :add_issue_notes, :view_private_notes, :manage_issue_relations, :view_files]
helper.save!
members = [[mk['agent1', 'Agent', 'One'], manager], [mk['agent2', 'Ægir', 'Ünïcode'], manager], [mk['agent3', 'Ирина', 'Иванова'], helper], [admin, manager]]
members.each { |u, _| puts "REDMINE_API_KEY_#{u.login.upcase}=#{u.api_key}" unless u == admin }
Tracker.all.each { |t| IssueStatus.all.each { |a| IssueStatus.all.each { |b| WorkflowTransition.create!(:tracker_id => t.id, :role_id => helper.id, :old_status_id => a.id, :new_status_id => b.id) if a != b } } }
%w(support billing general).each do |id|
  p = Project.new(:name => id.capitalize, :identifier => id, :is_public => true)
  p.enabled_module_names = %w(issue_tracking time_tracking files wiki); p.trackers = Tracker.all; p.save!
  members.each { |u, role| p.members << Member.new(:principal => u, :roles => [role]) }
end
cf = lambda { |name, format, more = {}|
  c = IssueCustomField.new({:name => name, :field_format => format, :is_for_all => true}.merge(more)); c.trackers = Tracker.all; c.save! }
cf['Deskferry', 'string', {:is_filter => true, :max_length => 200}]
cf['Order Number', 'string', {:is_filter => true, :searchable => true}]
cf['Serial Numbers', 'list', {:multiple => true, :possible_values => (1..9).map { |n| "SN-#{n}" }}]
cf['Seats', 'int']
cf['Weight', 'float']
cf['Severity', 'list', {:possible_values => %w(Low Medium High), :is_filter => true}]
cf['Products', 'list', {:multiple => true, :possible_values => ['Alpha', 'Beta', 'Gämma']}]
cf['Details', 'text']
cf['Runbook', 'text']
cf['Memo', 'text']
cf['Purchase Date', 'date']
cf['Callback At', 'string']
cf['Region', 'string']
cf['Keywords', 'list', {:multiple => true, :possible_values => %w(network printer login)}]
cf['Channel', 'string']
cf['Host', 'string']
cf['Network', 'string']
RUBY
  touch "$D/.ready"
fi

PW=$(cat "$D/adminpw")
launch "$D" puma "http://127.0.0.1:$PORT/users/current.json" "admin:$PW" \
  bundle exec puma -e production -t 4:4 -b "tcp://127.0.0.1:$PORT" --dir /usr/share/redmine config.ru
( umask 077
  { echo "REDMINE_BASE_URL=http://127.0.0.1:$PORT"; grep ^REDMINE_ "$D/bootstrap.out"; echo "REDMINE_USER=admin"; echo "REDMINE_PASSWORD=$PW"
    echo "REDMINE_DB=$D/redmine.sqlite3"; echo "REDMINE_FILES=$D/files"; echo "REDMINE_MAILS=$D/mails"; } >"$D/conn.env" )
