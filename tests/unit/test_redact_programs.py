"""redact/programs.py: what programs take as a password is masked, by the program and its option."""

import time

import pytest

from towpath.redact import redact, remember_objects
from towpath.redact.lines import LineRedactor
from towpath.redact.programs import PROGRAMS, secrets_of_commands

COMMANDS = """
mysql -pCANARY -u root
mysql -u root -pCANARY db
/usr/bin/mysqldump -u root -p'CANARY x' db
mariadb -u root -p"CANARY"
exec: "mysql -h db -pCANARY"
redis-cli -h x -a CANARY ping
valkey-cli --pass CANARY ping
REDISCLI_AUTH=CANARY redis-cli
MYSQL_PWD=CANARY mysql
sshpass -p CANARY ssh -p 22 root@h
sshpass -pCANARY scp a b
docker login -u me -p CANARY reg:5000
docker --config x login -pCANARY
podman login --username me -p CANARY
skopeo login -u me -p CANARY h
helm registry login -u me -p CANARY h
helm registry login h --password CANARY
oc login -u me -p CANARY
az login --service-principal -u id -p CANARY --tenant t
az keyvault secret set --name n --vault-name v --value CANARY
command: ["mysql", "-pCANARY"]
['sshpass', '-p', 'CANARY', 'ssh']
[sshpass, -p, CANARY, ssh]
"args": "[\\"sshpass\\", \\"-p\\", \\"CANARY\\"]"
mongosh -u root -p CANARY --authenticationDatabase admin
sh -c "mongodump -u root -p CANARY" && true
PGPASSWORD=CANARY psql -h db -p 5432
htpasswd -b file user CANARY
htpasswd -nbB user CANARY
htpasswd -n -b user CANARY
mosquitto_passwd -b file user CANARY
sqlcmd -S db -U sa -P CANARY
sqlcmd.exe -S db -U sa -PCANARY
ldapsearch -x -D cn=admin -w CANARY -b dc=x
ldappasswd -s CANARY -x
openssl rsa -in k -passin pass:CANARY
openssl enc -aes-256-cbc -k CANARY
gpg --batch --passphrase CANARY -d x
curl --proxy-user bob:CANARY http://x
curl -su bob:CANARY http://x
curl -ubob:CANARY http://x
curl -U "bob:CANARY" x
curl --oauth2-bearer CANARY x
curl -b session=CANARY x
http -a bob:CANARY x
wget --password=CANARY x
wget --http-password CANARY x
kubectl --token CANARY get pods
kubectl create secret generic x --from-literal=k=CANARY --from-literal k2=CANARY
vault kv put secret/x a=CANARY b=CANARY
vault login hvs.CANARY1
aws configure set aws_secret_access_key CANARY
rabbitmqctl add_user bob CANARY
rabbitmqctl change_password bob CANARY
smbclient //h/s -U bob%CANARY
7z a -pCANARY x.7z
keytool -list -storepass CANARY
sqlplus -s scott/CANARY@db
plink -ssh -pw CANARY h
xfreerdp /u:x /p:CANARY
twine upload -u x -p CANARY
dotnet nuget push a.nupkg -k CANARY
tailscale up --authkey CANARY
echo CANARY | docker login -u x --password-stdin
printf '%s' CANARY | sudo -S id
echo 'CANARY' | kinit bob
""".strip().splitlines()
SEVERAL_LINES = [
    "mysql \\\n  -h db \\\n  -pCANARY",
    "- sshpass\n- -p\n- CANARY\n- ssh",
    "+      - redis-cli\n+      - -a\n+      - CANARY",
]


@pytest.mark.parametrize("text", [*COMMANDS, *SEVERAL_LINES])
def test_a_password_on_a_command_line_is_masked(text: str) -> None:
    masked = redact(text)
    assert "CANARY" not in masked
    assert "***" in masked
    assert redact(masked) == masked


@pytest.mark.parametrize("text", COMMANDS)
def test_a_log_line_of_a_pod_is_masked_too(text: str) -> None:
    assert "CANARY" not in LineRedactor().redact(f"2026-11-29T12:00:00Z + {text}")


ORDINARY = """
nc -p 8080
mkdir -p folder
ssh -p 22 host
cp -p a b
grep -w word
docker run -p 80:80 nginx
docker run -p 80:80 login
docker compose -p name up
docker build -t x -p y .
git commit -a -m x
psql -p 5432 -U u
mysql -P 3306 -p db
mysql -u root --protocol tcp
mysql is ready for connections
kubectl logs -p web-0
kubectl create configmap x --from-literal=k=v
redis-server -a
redis-cli ping
curl -s http://x/y:z -o /dev/null
curl -u bob http://x:80/
http://x/ -a b:c
openssl s_client -connect h:443
zip -r a b
ldapsearch -x -b dc=example,dc=com
vault login failed: permission denied
pod mysql-0 -pending
mymysql -pvalue
helm install x -f a
htpasswd -n bob
az group list -p x
echo hello | grep -w hello
jdbc:oracle:thin:@host:1521:x
stringData: {}
use stringData: it is written only
Cookie: accept them
authorization: denied
""".strip().splitlines()


@pytest.mark.parametrize("text", ORDINARY)
def test_the_same_options_of_other_programs_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:oracle:thin:user/CANARY@host:1521:x",
        "jdbc:oracle:oci:user/CANARY@//host:1521/x",
        "stringData: {key: CANARY}",
        "stringData: {key: 'CANARY, more', other: \"CANARY\"}",
        "+  stringData: {key: CANARY",
        "stringData:\n  key: CANARY\n",
        '"stringData": {"key": "CANARY"}',
        '{"stringData":{"a":"CANARY","b":"CANARY"}}',
        "{stringData: {key: CANARY}}",
        "amqp://u:CANARY@mq",
        "amqps://u:p@CANARY@mq",
        "redis://:CANARY@cache/0",
        "mongodb+srv://u:CANARY@h/db?x=1",
        "Server=ado;Uid=u;Pwd=CANARY;Encrypt=yes",
        "AccountKey=CANARY;EndpointSuffix=x",
        "Authorization: token CANARY",
        "Authorization: CANARY4f6a81c0ffee",
        "curl -H 'authorization: CANARY-4f6a81c0ffee' https://e.com",
        '{"Authorization": "eyJhbGciOiJub25lIn0.CANARY"}',
        "Authorization: Basic CANARY",
        'header "authorization": "ApiKey CANARY"',
        "Cookie: session=CANARY; theme=CANARY",
        "Set-Cookie: sid=CANARY; Path=/",
        "X-Auth-Key: CANARY",
    ],
)
def test_values_that_nobody_has_named_before_are_masked(text: str) -> None:
    assert "CANARY" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (["mysql", "-pargument-1"], "argument-1"),
        (["redis-cli", "-a", "argument 2"], "argument 2"),
        (["sh", "-c", "sshpass -p argument-3 ssh h"], "argument-3"),
        (["sh", "-c", "mongosh -p 'argument 4'"], "argument 4"),
    ],
)
def test_what_a_containers_command_has_is_known_from_then_on(command: list[str], value: str) -> None:
    remember_objects(
        [{"kind": "Pod", "spec": {"containers": [{"command": command[:1], "args": command[1:]}]}}]
    )
    assert value not in redact(f"the program says {value}")


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_found_as_a_word_only(name: str) -> None:
    everything = "login A1 secret enc push add_user bob A1 kv put a=b1 authtoken A1 user-secrets set A1 A1"
    options = "-p A1 -pA1 -P A1 -w A1 -a b:A1 -b -u b:,A1 -storepass A1 -c A1 -U b%A1 -pw A1 -t A1 -ap A1"
    more = "-pass pass:A1 --from-literal k=A1 --secret-string A1 /p:A1 scott/A1@db file user A1"
    words = f"{everything} {options} {more}"
    assert secrets_of_commands(f"{name} {words}")
    assert not secrets_of_commands(f"my{name} {words}")
    assert not secrets_of_commands(f"{name}-proxy {words}")


@pytest.mark.parametrize(
    "unit",
    [
        "mysql ",
        'mysql "',
        "mysql '",
        'mysql \\"',
        "sshpass -p ",
        "curl \\",
        "echo a|",
        "echo ",
        "cookie: a=",
        "a@",
    ],
)
def test_a_hostile_command_is_redacted_in_time(unit: str) -> None:
    started = time.process_time()
    redact(unit * (100_000 // len(unit)))
    redact("https://u:" + unit * (100_000 // len(unit)))
    assert time.process_time() - started < 30
