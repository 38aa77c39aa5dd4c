def run_register(student, start, numbers):
    """What a register that starts at `start` answers to each of `numbers`."""
    register = student.Register(start)
    return [register.push(number) for number in numbers]
