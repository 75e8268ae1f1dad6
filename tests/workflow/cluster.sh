#!/bin/sh
# A real SLURM of two nodes on this computer, for tests/workflow/test_slurm.py:  cluster.sh install | up FOLDER | down FOLDER
# Needs root: it installs packages, and links /etc/slurm/slurm.conf to the folder's, because jobs of Snakemake's plugin drop SLURM_CONF before they
# call srun. It refuses a computer that has such a file, which has a SLURM of its own. Limits of memory are kept by polling each second, without cgroups.
set -eu
B=${2:-}
LINK=/etc/slurm/slurm.conf
fail() { echo "cluster.sh: $*" >&2; exit 1; }
wait_for() { # what, command...
  what=$1; shift; tries=0
  until "$@" >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 150 ] || fail "no $what within 30 s"; sleep 0.2; done
}
nodes_up() { [ "$(sinfo -h -N -t idle -o %N | sort -u | wc -l)" = 2 ]; }
stopped() { state=$(ps -o stat= -p "$1") || return 0; case $state in Z*) return 0 ;; esac; return 1; }

case ${1:-} in
install)
  command -v slurmctld >/dev/null && command -v munged >/dev/null && exit 0
  [ "$(id -u)" = 0 ] || fail "no SLURM here, and only root can install it"
  grep -qx 'ID=debian' /etc/os-release 2>/dev/null || fail "no SLURM here, and this is not Debian"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update >/dev/null && apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends slurm-wlm munge >/dev/null
  ;;
up)
  [ "$(id -u)" = 0 ] || fail "root is needed for $LINK"
  [ ! -e "$LINK" ] && [ ! -L "$LINK" ] || fail "$LINK exists: this computer has a SLURM of its own"
  mkdir -p "$B/run" "$B/log" "$B/state" "$B/spool/n1" "$B/spool/n2"
  head -c 128 /dev/urandom > "$B/munge.key"; chmod 600 "$B/munge.key"
  munged --key-file="$B/munge.key" --socket="$B/run/munge.sock" --pid-file="$B/run/munged.pid" --log-file="$B/log/munged.log" \
    --seed-file="$B/run/munge.seed" --num-threads=2
  host=$(hostname -s)
  cat > "$B/slurm.conf" <<CONF
ClusterName=gutdiv
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$B/run/munge.sock
SlurmctldPort=17817
SlurmctldPidFile=$B/run/slurmctld.pid
SlurmctldLogFile=$B/log/slurmctld.log
StateSaveLocation=$B/state
SlurmdPidFile=$B/run/slurmd-%n.pid
SlurmdLogFile=$B/log/slurmd-%n.log
SlurmdSpoolDir=$B/spool/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MinJobAge=300
KillWait=2
InactiveLimit=0
ReturnToService=2
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17828-17829] CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=120 DefaultTime=10 DefMemPerCPU=100 State=UP
CONF
  mkdir -p "${LINK%/*}"; ln -s "$B/slurm.conf" "$LINK"
  slurmctld; wait_for slurmctld timeout 5 scontrol ping
  slurmd -N n1; slurmd -N n2; wait_for nodes nodes_up
  ;;
down)
  timeout 10 scancel --full --user root 2>/dev/null || true
  for file in "$B"/run/slurmctld.pid "$B"/run/slurmd-n1.pid "$B"/run/slurmd-n2.pid "$B"/run/munged.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file"); kill "$pid" 2>/dev/null || continue; tries=0
    until stopped "$pid"; do tries=$((tries + 1)); [ $tries -lt 100 ] || { kill -9 "$pid" 2>/dev/null || true; break; }; sleep 0.1; done
  done
  [ "$(readlink "$LINK" 2>/dev/null)" != "$B/slurm.conf" ] || rm "$LINK"
  ;;
*) fail "usage: cluster.sh install | up FOLDER | down FOLDER" ;;
esac
