/** Whether the last digit checks those before it, as in every GS1 number: weights 3 and 1 from the right, modulo 10. */
export function checksOut(digits: string): boolean {
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1)
    sum += Number(digits.charAt(digits.length - 1 - fromRight)) * (fromRight % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}
