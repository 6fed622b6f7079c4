"""The command line of a system that is measured."""
import subprocess


def run(rhodes, folder, env, *words):
    """What a command that must work says, run in a folder."""
    done = subprocess.run([rhodes, *words], cwd=folder, env=env, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"rhodes {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout
